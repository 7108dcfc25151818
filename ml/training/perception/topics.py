"""Topics of captions as classification: which of a topic's phrases is true of a picture?

A caption has many topics, and the contrast of whole captions is solved with the easiest of them:
skin, hats, glasses. Here all topics have the same weight, so that mouths and folds are learned too.
The prompts are short, like those of zero-shot classification with the finished models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ...data import IntArray
from .captions import AGES, MIRRORED, RULES

PLAIN = "a person"
UNKNOWN = -1
# The largest weight of a rare answer, relative to the commonest.
MOST = 10.0


@dataclass(frozen=True)
class Topics:
    """Prompts of all topics in one list, and the prompt of each rule of (AGES, RULES).

    Attributes
    ----------
    prompts: P texts. starts: (T + 1,) index of each topic's first prompt, and P.
    plain: (T,) the prompt that is true where no rule holds, counted from its topic's first;
        UNKNOWN for topics of several rules, which then have no answer.
    of_rule: topic and prompt of each rule, counted likewise. mirrored: for each rule, the one that
        is true of the mirrored picture.
    """

    prompts: list[str]
    starts: list[int]
    plain: list[int]
    of_rule: list[tuple[int, int]]
    mirrored: list[int]

    def answers(self, rules: Sequence[int], *, mirror: bool = False) -> IntArray:
        """(T,) the true prompt of each topic for a person of whom ``rules`` are true."""
        found = np.array(self.plain, np.int32)
        for rule in rules:
            topic, prompt = self.of_rule[self.mirrored[rule] if mirror else rule]
            found[topic] = prompt
        return found

    def loss(self, similar: Tensor, answers: Tensor, weights: Sequence[Tensor]) -> Tensor:
        """Mean cross entropy over topics.

        similar: (B, P) logits. answers: (B, T). weights: of each topic's prompts, see balance.
        """
        parts = []
        for topic, (start, end) in enumerate(pairwise(self.starts)):
            said = answers[:, topic].long()
            if bool((said != UNKNOWN).any()):
                parts.append(
                    functional.cross_entropy(
                        similar[:, start:end], said, weights[topic], ignore_index=UNKNOWN
                    )
                )
        return torch.stack(parts).mean()

    def balance(self, answers: IntArray) -> list[Tensor]:
        """For each topic, weights of its prompts by how rare they are among (N, T) answers."""
        weights = []
        for topic, (start, end) in enumerate(pairwise(self.starts)):
            said = answers[:, topic]
            often = np.bincount(said[said != UNKNOWN], minlength=end - start).clip(1)
            rare = often.max() / often
            weights.append(torch.from_numpy(rare.clip(max=MOST).astype(np.float32)))
        return weights


def make_topics() -> Topics:
    """The topics of all captions."""
    rules = [*AGES, *RULES]
    names = list(dict.fromkeys(rule.topic for rule in rules))
    prompts, starts, plain = list[str](), [0], list[int]()
    of_rule: list[tuple[int, int]] = [(0, 0)] * len(rules)
    for topic, name in enumerate(names):
        own = [index for index, rule in enumerate(rules) if rule.topic == name]
        for prompt, index in enumerate(own):
            of_rule[index] = (topic, prompt)
            said = rules[index].words
            prompts.append(f"a {said} person" if index < len(AGES) else f"{PLAIN} {said}")
        alone = len(own) == 1
        plain.append(1 if alone else UNKNOWN)
        if alone:
            prompts.append(PLAIN)
        starts.append(len(prompts))
    by_words = {(rule.topic, rule.words): index for index, rule in enumerate(rules)}
    mirrored = [by_words[rule.topic, _swapped(rule.words)] for rule in rules]
    return Topics(prompts, starts, plain, of_rule, mirrored)


def _swapped(words: str) -> str:
    one, other = MIRRORED
    swap = {one: other, other: one}
    return " ".join(swap.get(word, word) for word in words.split())


TOPICS = make_topics()
