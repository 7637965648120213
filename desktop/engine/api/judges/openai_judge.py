"""The official package of OpenAI for Python, in its own words, with a real engine."""

import os
import unittest
from typing import Literal, Optional

import openai
from pydantic import BaseModel

MODEL = os.environ["JUDGED_MODEL"]
QUESTION = os.environ["JUDGED_QUESTION"]
ANSWER = os.environ["JUDGED_ANSWER"]
client = openai.OpenAI(max_retries=0)
question = {"model": MODEL, "messages": [{"role": "user", "content": QUESTION}], "temperature": 0}


class Place(BaseModel):
    city: Literal["Graz", "Wien"]
    open: bool
    note: Optional[Literal["closed today"]]
    count: Literal[1, 2, 3]


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
        self.assertEqual(final.choices[0].message.content, ANSWER)
        self.assertEqual(final.usage.completion_tokens, whole.usage.completion_tokens)

    def test_a_response_is_given_whole_and_as_a_stream(self):
        asked = {"model": MODEL, "input": QUESTION, "temperature": 0}
        self.assertEqual(client.responses.create(**asked).output_text, ANSWER)
        with client.responses.stream(**asked) as stream:
            pieces = [event.delta for event in stream if event.type == "response.output_text.delta"]
            self.assertEqual(stream.get_final_response().output_text, ANSWER)
        self.assertEqual("".join(pieces), ANSWER)

    def test_an_answer_is_held_to_a_form(self):
        whole = client.chat.completions.parse(**question, response_format=Place).choices[0].message
        self.assertEqual(whole.parsed, Place.model_validate_json(whole.content))
        with client.chat.completions.stream(**question, response_format=Place) as stream:
            self.assertEqual(stream.get_final_completion().choices[0].message.parsed, whole.parsed)
        response = client.responses.parse(model=MODEL, input=QUESTION, temperature=0, text_format=Place)
        self.assertIsInstance(response.output_parsed, Place)

    def test_a_tool_is_called_and_its_result_is_read(self):
        tools = [openai.pydantic_function_tool(Place, name="find", description="Finds a place")]
        chosen = {"type": "function", "function": {"name": "find"}}
        asked = {**question, "tools": tools, "tool_choice": chosen, "parallel_tool_calls": False}
        message = client.chat.completions.parse(**asked).choices[0].message
        [call] = message.tool_calls
        self.assertIsInstance(call.function.parsed_arguments, Place)
        with client.chat.completions.stream(**asked) as stream:
            pieces = [event.arguments_delta for event in stream if event.type == "tool_calls.function.arguments.delta"]
        self.assertEqual("".join(pieces), call.function.arguments)
        history = [*question["messages"], message, {"role": "tool", "tool_call_id": call.id, "content": "Sunny."}]
        answer = client.chat.completions.create(**{**question, "messages": history, "tools": tools})
        self.assertTrue(answer.choices[0].message.content)

    def test_what_vllm_knows_besides_is_known(self):
        more = {"top_k": 3, "min_p": 0.1, "repetition_penalty": 1.0, "return_token_ids": True}
        answer = client.chat.completions.create(**question, extra_body=more)
        self.assertEqual(len(answer.choices[0].token_ids), answer.usage.completion_tokens)
        self.assertEqual(len(answer.prompt_token_ids), answer.usage.prompt_tokens)
        prompt = answer.prompt_token_ids
        same = client.completions.create(model=MODEL, prompt=prompt, temperature=0, max_tokens=100, extra_body={"return_token_ids": True})
        self.assertEqual(same.choices[0].token_ids, answer.choices[0].token_ids)

    def test_what_goes_wrong_is_an_exception_of_the_right_class(self):
        with self.assertRaises(openai.AuthenticationError):
            openai.OpenAI(api_key="wrong", max_retries=0).models.list()
        with self.assertRaises(openai.NotFoundError):
            client.chat.completions.create(**{**question, "model": "none"})
        with self.assertRaises(openai.BadRequestError) as wrong:
            client.chat.completions.create(**{**question, "temperature": 5})
        self.assertEqual((wrong.exception.param, wrong.exception.code), ("temperature", "invalid_value"))
        with self.assertRaises(openai.APIStatusError) as none:
            client.embeddings.create(model=MODEL, input="a")
        self.assertEqual(none.exception.status_code, 501)

    def test_leaving_a_stream_leaves_room_for_the_next_question(self):
        endless = client.chat.completions.create(**question, stream=True, extra_body={"ignore_eos": True})
        for chunk in endless:
            if chunk.choices[0].delta.content:
                break
        endless.close()
        self.assertEqual(client.chat.completions.create(**question).choices[0].message.content, ANSWER)


if __name__ == "__main__":
    unittest.main()
