import os
import signal
import threading

import pytest

from telephone.core.signals import STOP_SIGNALS, sigterm_as_interrupt, stop_requests


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_the_first_signal_is_a_request_and_the_second_one_an_interrupt(number):
    before = [signal.getsignal(each) for each in STOP_SIGNALS]
    asked = []
    with pytest.raises(KeyboardInterrupt), stop_requests(lambda: asked.append(number)):
        os.kill(os.getpid(), number)
        assert asked == [number]
        os.kill(os.getpid(), number)
    assert asked == [number]
    assert [signal.getsignal(each) for each in STOP_SIGNALS] == before


def test_sigterm_is_an_interrupt_and_a_request_within_it_takes_its_place():
    asked = []
    with sigterm_as_interrupt():
        with stop_requests(lambda: asked.append(1)):
            os.kill(os.getpid(), signal.SIGTERM)
        assert asked == [1]
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_handler_of_the_program_stays_and_other_threads_change_nothing():
    def own(number, frame):
        raise AssertionError

    signal.signal(signal.SIGTERM, own)
    try:
        with sigterm_as_interrupt():
            assert signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    seen = []

    def work():
        with sigterm_as_interrupt():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.SIG_DFL]
