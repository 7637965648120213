"""LangChain for Python with a real engine."""

import os
import unittest
from typing import Literal

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

MODEL = os.environ["JUDGED_MODEL"]
QUESTION = os.environ["JUDGED_QUESTION"]
ANSWER = os.environ["JUDGED_ANSWER"]


class Place(BaseModel):
    city: Literal["Graz", "Wien"]
    open: bool


def chat(**more):
    return ChatOpenAI(**{"model": MODEL, "temperature": 0, "max_retries": 0, **more})


class LangChainText(unittest.TestCase):
    def test_a_question_is_answered_whole_and_as_a_stream(self):
        for responses in (False, True):
            model = chat(use_responses_api=responses, stream_usage=True)
            whole = model.invoke(QUESTION)
            self.assertEqual(whole.text, ANSWER)
            pieces = list(model.stream(QUESTION))
            self.assertEqual("".join(piece.text for piece in pieces), ANSWER)
            tokens = sum(piece.usage_metadata["output_tokens"] for piece in pieces if piece.usage_metadata)
            self.assertEqual(tokens, whole.usage_metadata["output_tokens"])

    def test_earlier_turns_are_read(self):
        alone = chat().invoke(QUESTION).usage_metadata
        turns = [SystemMessage("Be short."), HumanMessage("What is Fusion?"), AIMessage("A chat app."), HumanMessage(QUESTION)]
        self.assertGreater(chat().invoke(turns).usage_metadata["input_tokens"], alone["input_tokens"] + 10)

    def test_several_questions_at_once_are_answered(self):
        self.assertEqual([answer.text for answer in chat().batch([QUESTION] * 3)], [ANSWER] * 3)

    def test_an_answer_is_held_to_a_form(self):
        self.assertIsInstance(chat().with_structured_output(Place).invoke("a place"), Place)

    def test_a_text_of_stop_ends_an_answer(self):
        self.assertEqual(chat().invoke(QUESTION, stop=["undo"]).text, ANSWER[: ANSWER.index("undo")])


if __name__ == "__main__":
    unittest.main()
