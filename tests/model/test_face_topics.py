"""Topics that the face CLIP is asked about one by one."""

from __future__ import annotations

import numpy as np
import torch

from ml.training.perception.captions import AGES, RULES
from ml.training.perception.topics import MOST, PLAIN, UNKNOWN, make_topics

TOPICS = make_topics()
EVERY = (*AGES, *RULES)


def _rule(words: str) -> int:
    return next(index for index, rule in enumerate(EVERY) if rule.words == words)


def _said(answers: np.ndarray, words: str) -> str:
    """The prompt that ``answers`` gives to the topic of the rule with ``words``."""
    topic, _ = TOPICS.of_rule[_rule(words)]
    return TOPICS.prompts[TOPICS.starts[topic] + answers[topic]]


def test_every_rule_is_a_prompt_of_its_topic():
    for index, rule in enumerate(EVERY):
        topic, prompt = TOPICS.of_rule[index]
        start, end = TOPICS.starts[topic : topic + 2]
        assert start + prompt < end
        assert rule.words in TOPICS.prompts[start + prompt]
        assert end - start > 1, "one prompt alone asks nothing"


def test_answers_say_what_holds_and_leave_the_rest_open():
    answers = TOPICS.answers([_rule("smiling"), _rule("with glasses")])
    assert _said(answers, "smiling") == "a person smiling"
    assert _said(answers, "with sunglasses") == "a person with glasses"
    # One rule alone: where it does not hold, nothing is to be said.
    assert _said(answers, "with puffed cheeks") == PLAIN
    topic, _ = TOPICS.of_rule[_rule("with a full beard")]
    assert answers[topic] == UNKNOWN


def test_mirrored_pictures_have_mirrored_answers():
    rules = [_rule("turned to the left"), _rule("smiling")]
    assert _said(TOPICS.answers(rules, mirror=True), "turned to the left").endswith("right")
    assert _said(TOPICS.answers(rules, mirror=True), "smiling") == "a person smiling"
    twice = [TOPICS.mirrored[TOPICS.mirrored[index]] for index in range(len(EVERY))]
    assert twice == list(range(len(EVERY)))


def test_the_loss_falls_for_true_prompts_and_ignores_open_topics():
    answers = torch.from_numpy(TOPICS.answers([_rule("smiling")])[None])
    weights = TOPICS.balance(answers.numpy())
    similar = torch.zeros(1, len(TOPICS.prompts))
    level = TOPICS.loss(similar, answers, weights)
    topic, prompt = TOPICS.of_rule[_rule("smiling")]
    right, wrong, open_ = similar.clone(), similar.clone(), similar.clone()
    right[0, TOPICS.starts[topic] + prompt] = 3
    wrong[0, TOPICS.starts[topic] + prompt] = -3
    beard, _ = TOPICS.of_rule[_rule("with a full beard")]
    open_[0, TOPICS.starts[beard]] = 9
    assert TOPICS.loss(right, answers, weights) < level < TOPICS.loss(wrong, answers, weights)
    assert TOPICS.loss(open_, answers, weights) == level


def test_rare_answers_weigh_more_up_to_a_bound():
    common, rare = _rule("without glasses"), _rule("with sunglasses")
    answers = np.stack([TOPICS.answers([common])] * 30 + [TOPICS.answers([rare])])
    topic, prompt = TOPICS.of_rule[rare]
    weights = TOPICS.balance(answers)[topic]
    assert weights[TOPICS.of_rule[common][1]] == 1
    assert weights[prompt] == MOST
