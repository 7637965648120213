"""The official package of OpenAI for Python, in its own words, with a cloud."""

import os
import unittest

import openai

MODEL = os.environ["JUDGED_MODEL"]
QUESTION = os.environ["JUDGED_QUESTION"]
ANSWER = os.environ["JUDGED_ANSWER"]
client = openai.OpenAI(max_retries=0)
question = {"model": MODEL, "messages": [{"role": "user", "content": QUESTION}], "temperature": 0}


class OpenAIJudge(unittest.TestCase):
    def test_models_are_listed(self):
        self.assertEqual([model.id for model in client.models.list()], [MODEL])
        self.assertEqual(client.models.retrieve(MODEL).owned_by, "fusion")

    def test_a_question_is_answered_whole_and_as_a_stream(self):
        whole = client.chat.completions.create(**question)
        self.assertEqual((whole.choices[0].message.content, whole.choices[0].finish_reason), (ANSWER, "stop"))
        with client.chat.completions.stream(**question, stream_options={"include_usage": True}) as stream:
            pieces = [event.delta for event in stream if event.type == "content.delta"]
            final = stream.get_final_completion()
        self.assertEqual("".join(pieces), ANSWER)
        self.assertEqual(final.usage.completion_tokens, whole.usage.completion_tokens)

    def test_a_response_is_given_as_a_stream(self):
        with client.responses.stream(model=MODEL, input=QUESTION, temperature=0) as stream:
            pieces = [event.delta for event in stream if event.type == "response.output_text.delta"]
            self.assertEqual(stream.get_final_response().output_text, ANSWER)
        self.assertEqual("".join(pieces), ANSWER)

    def test_an_answer_goes_on_from_its_tokens(self):
        whole = client.chat.completions.create(**question, extra_body={"return_token_ids": True})
        tokens = whole.choices[0].token_ids
        prompt = [*whole.prompt_token_ids, *tokens[:5]]
        rest = client.completions.create(model=MODEL, prompt=prompt, temperature=0, max_tokens=100, extra_body={"return_token_ids": True})
        self.assertEqual(rest.choices[0].token_ids, tokens[5:])

    def test_what_goes_wrong_is_an_exception_of_the_right_class(self):
        with self.assertRaises(openai.AuthenticationError):
            openai.OpenAI(api_key="wrong", max_retries=0).models.list()
        with self.assertRaises(openai.NotFoundError):
            client.chat.completions.create(**{**question, "model": "none"})
        with self.assertRaises(openai.BadRequestError):
            client.chat.completions.create(**{**question, "temperature": 5})
        with self.assertRaises(openai.APIStatusError) as none:
            client.embeddings.create(model=MODEL, input="a")
        self.assertEqual(none.exception.status_code, 501)


if __name__ == "__main__":
    unittest.main()
