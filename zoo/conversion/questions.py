"""What a conversion can't know from the file, and has to be told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to be told.

    Attributes:
        name: What is asked for: an option of the command without its dashes, or a field of the card.
        text: What to answer.
        of_card: It is a field of the card.
    """

    name: str
    text: str
    of_card: bool = False


def list_questions(questions: list[Question] | tuple[Question, ...]) -> str:
    """Return what is missing and how to give it, in one line."""
    options = [f"--{question.name} ({question.text})" for question in questions if not question.of_card]
    fields = [question.name for question in questions if question.of_card]
    parts = []
    if options:
        parts.append("give " + ", ".join(options))
    if fields:
        parts.append(f"missing in the card: {', '.join(fields)}; give them by --card FILE.yaml")
    return "can't be known from the file: " + "; ".join(parts)
