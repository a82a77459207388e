"""Weights from a seed: the same beside other threads, and nothing of it stays."""

from threading import Event, Thread

import pytest
import torch
from draws import DrawsFromSeeds
from torch import Tensor, nn

from ganlens.activations import trace
from ganlens.initialisation import seeded


def weights(seed: int) -> Tensor:
    with seeded(seed):
        return nn.Linear(3, 4).weight.detach()


def test_a_seed_decides_the_weights_and_the_global_stream_stays() -> None:
    before = torch.random.get_rng_state()
    torch.testing.assert_close(weights(3), weights(3), rtol=0, atol=0)
    assert (weights(3) != weights(4)).all()
    assert torch.equal(torch.random.get_rng_state(), before)


def test_threads_that_build_at_once_get_what_each_gets_alone() -> None:
    begun, built = Event(), Event()
    got: list[Tensor] = []

    def other() -> None:
        begun.set()
        got.append(weights(4))
        built.set()

    thread = Thread(target=other)
    with seeded(3):
        first = nn.Linear(3, 4).weight.detach()
        thread.start()
        begun.wait()
        assert not built.wait(0.2), "the other thread drew from the middle of this stream"
        second = nn.Linear(3, 4).weight.detach()
    thread.join()
    with seeded(3):
        alone = [nn.Linear(3, 4).weight.detach() for _ in range(2)]
    for one, same in zip((first, second, got[0]), (*alone, weights(4)), strict=True):
        torch.testing.assert_close(one, same, rtol=0, atol=0)


def test_a_thread_that_traces_a_network_waits_for_one_that_builds() -> None:
    """Tracing puts the stream back: in the middle of a build it would draw its weights anew."""
    network, done = nn.Linear(3, 4), Event()

    def other() -> None:
        trace(network, torch.zeros(1, 3))
        done.set()

    thread = Thread(target=other)
    with seeded(3):
        first = nn.Linear(3, 4).weight.detach()
        thread.start()
        assert not done.wait(0.2), "the other thread put this stream back"
        second = nn.Linear(3, 4).weight.detach()
    thread.join()
    assert done.is_set()
    with seeded(3):
        for one in (first, second):
            torch.testing.assert_close(nn.Linear(3, 4).weight.detach(), one, rtol=0, atol=0)


def test_what_is_built_inside_may_be_built_from_a_seed_itself() -> None:
    with seeded(3):
        inner = weights(4)
    torch.testing.assert_close(inner, weights(4), rtol=0, atol=0)


def test_a_draw_from_the_global_stream_is_seen() -> None:
    with DrawsFromSeeds():
        torch.rand(2, generator=torch.Generator().manual_seed(0))
        with seeded():
            torch.nn.Linear(2, 2)
        with pytest.raises(AssertionError, match="global stream"):
            torch.nn.Linear(2, 2)
        with pytest.raises(AssertionError, match="global stream"):
            torch.randperm(5)
