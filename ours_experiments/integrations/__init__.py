"""What ties clients to other people's machinery; each module needs its own extra.

`redis` (extra `redis`): limits that several processes share. `taskiq` (extra `taskiq`):
lifecycle calls as tasks on a queue.
"""
