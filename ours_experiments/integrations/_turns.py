"""Turns of one account, shared through Redis by the processes that use it.

A hash for each account holds, in microseconds by the clock of Redis: `free`, when the
next turn is due; `paused`, until when the service asked for silence; `seen`, when the
hash was last written. A sorted set holds which processes have asked lately.
"""

import asyncio
from collections.abc import Sequence

import attrs


MICROSECONDS = 1_000_000
CATCH_UP = 0.05
"""Seconds by which a turn may be taken late without moving the later ones.

A process asks again when a turn is due, a timer and a round trip late. At 50 a second
1 ms late each time would lose 5 % of the rate.
"""
ACTIVE = 10
"""Seconds for which a process that has asked counts as one that shares the rate."""

_STATE = f"""
local time = redis.call('TIME')
local now = time[1] * {MICROSECONDS} + time[2]
local state = redis.call('HMGET', KEYS[1], 'free', 'paused', 'seen')
local free = tonumber(state[1]) or 0
local paused = tonumber(state[2]) or 0
local back = math.max((tonumber(state[3]) or now) - now, 0)
-- The clock was set back: what lay ahead lies as far ahead as before.
free, paused = free - back, paused - back
local function save()
    redis.call('HSET', KEYS[1], 'free', free, 'paused', paused, 'seen', now)
    local left = math.ceil((math.max(free, paused) - now) / 1000)
    redis.call('PEXPIRE', KEYS[1], math.max(left, 0) + 60000)
end
"""
TAKE = f"""{_STATE}
local interval, burst, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZADD', KEYS[2], now, ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - {ACTIVE * MICROSECONDS})
redis.call('PEXPIRE', KEYS[2], {ACTIVE * 1000})
if now - free > {round(CATCH_UP * MICROSECONDS)} then free = now end
local due = free - interval * (burst - 1)
local taken = 0
if paused <= now then
    taken = wanted
    if interval > 0 then
        taken = math.max(math.min(math.floor((now - due) / interval) + 1, wanted), 0)
    end
end
free, due = free + interval * taken, due + interval * taken
save()
local wait = math.max(due, paused, now) - now
return {{taken, wait, redis.call('ZCARD', KEYS[2])}}
"""
"""ARGV: microseconds from turn to turn, turns at once, turns wanted, process."""
GIVE_BACK = f"""{_STATE}
free = free - ARGV[1] * ARGV[2]
save()
"""
"""ARGV: microseconds from turn to turn, turns that nobody used."""
PAUSE = f"""{_STATE}
paused = math.max(paused, now + ARGV[1])
free = math.max(free, paused)
save()
"""
"""ARGV: microseconds. Turns after the pause are due one after the other again."""


@attrs.frozen
class Answer:
    """What was taken of the turns that were asked for."""

    taken: int
    """Turns that are due and now this process' own."""
    wait: float
    """Seconds until the next turn is due."""


@attrs.define(eq=False)
class Waiter:
    """A request that waits for its turn."""

    deadline: float
    """Loop time at which its call is over."""
    turn: asyncio.Future[float]
    """0.0 for a turn, or the seconds until one where those are more than there are."""


@attrs.define(eq=False)
class Queue:
    """The requests of this process that wait for a turn of one account.

    One task asks for all of them, so that a slow Redis needs one connection, and turns
    go to whoever still waits when they come.
    """

    waiting: list[Waiter] = attrs.field(factory=list[Waiter])
    """Longest wait first."""
    task: asyncio.Task[None] | None = None
    """Asks for turns while somebody waits."""
    can_be_cancelled: bool = False
    """Whether the task only sleeps, so that no turn can be lost by ending it."""
    hurry: bool = False
    """Whether the next turn goes to the nearest deadline."""
    local_free: float = 0.0
    """Loop time of the next turn while Redis does not answer."""

    def hand_out(self, turns: int) -> int:
        """Give turns to those who wait; return how many turns are left over.

        The longest wait and the nearest deadline take turns: a patient call keeps no
        hurried one from its share, nor the other way round.
        """
        while turns and self.waiting:
            waiter = self.waiting[0]
            if self.hurry:
                waiter = min(self.waiting, key=lambda waiter: waiter.deadline)
            self.hurry = not self.hurry
            self.waiting.remove(waiter)
            if not waiter.turn.done():
                waiter.turn.set_result(0.0)
                turns -= 1
        return turns

    def refuse(self, wait: float, now: float) -> None:
        """Tell those whose time ends before the next turn how far away that is."""
        late = [waiter for waiter in self.waiting if waiter.deadline < now + wait]
        for waiter in late:
            self.waiting.remove(waiter)
            if not waiter.turn.done():
                waiter.turn.set_result(wait)

    def leave(self, waiter: Waiter) -> None:
        """Forget one who waits no longer; without any, stop asking."""
        if waiter in self.waiting:
            self.waiting.remove(waiter)
        if not self.waiting and self.can_be_cancelled and self.task is not None:
            self.task.cancel()

    def take_locally(self, interval: float, now: float) -> Answer:
        """Take one turn of this process' own share, in place of asking Redis."""
        if not interval:
            return Answer(len(self.waiting), 0.0)
        self.local_free = max(self.local_free, now - CATCH_UP)
        if self.local_free > now:
            return Answer(0, self.local_free - now)
        self.local_free += interval
        return Answer(1, max(self.local_free - now, 0.0))


def numbers_of(answer: Sequence[int | str | bytes]) -> tuple[int, float, int]:
    """Read the answer of `TAKE`: turns taken, seconds to the next, processes."""
    taken, wait, processes = (int(number) for number in answer)
    return taken, wait / MICROSECONDS, processes
