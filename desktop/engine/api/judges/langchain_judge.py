"""LangChain for Python with a real engine."""

import os
import unittest
from typing import Literal

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

MODEL = os.environ["JUDGED_MODEL"]
QUESTION = os.environ["JUDGED_QUESTION"]
ANSWER = os.environ["JUDGED_ANSWER"]


class Place(BaseModel):
    city: Literal["Graz", "Wien"]
    open: bool


@tool
def weather(city: Literal["Graz", "Wien"]) -> str:
    """The weather of a city."""
    return f"Sunny in {city}."


def chat(**more):
    return ChatOpenAI(**{"model": MODEL, "temperature": 0, "max_retries": 0, **more})


class LangChainJudge(unittest.TestCase):
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

    def test_a_form_is_asked_for_by_a_call_too(self):
        self.assertIsInstance(chat().with_structured_output(Place, method="function_calling").invoke("a place"), Place)

    def test_a_tool_is_called_and_its_result_is_read(self):
        called = chat().bind_tools([weather], tool_choice="weather").invoke(QUESTION)
        [call] = called.tool_calls
        self.assertEqual((call["name"], call["args"]["city"] in ("Graz", "Wien")), ("weather", True))
        result = weather.invoke(call)
        self.assertTrue(chat().bind_tools([weather]).invoke([HumanMessage(QUESTION), called, result]).text)

    def test_a_text_of_stop_ends_an_answer(self):
        self.assertEqual(chat().invoke(QUESTION, stop=["undo"]).text, ANSWER[: ANSWER.index("undo")])


if __name__ == "__main__":
    unittest.main()
