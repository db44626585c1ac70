"""Three consumers take from a LIFO queue: two are quick, one is slow. Run it, or trace it with VizTracer."""

import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor

ITEMS = 12


def produce(line):
    for item in range(ITEMS):
        line.put(item)
        time.sleep(0.002)


def work(item, slow):
    total = 0
    for i in range(50_000):
        total ^= i
    time.sleep(0.02 if slow else 0.002)
    return item, total


def consume(line, slow):
    taken = []
    while True:
        try:
            item = line.get(timeout=0.1)
        except queue.Empty:
            return taken
        taken.append(work(item, slow)[0])


def main():
    line = queue.LifoQueue()
    with ThreadPoolExecutor(4, thread_name_prefix="queue") as pool:
        consumers = [pool.submit(consume, line, slow) for slow in (False, True, False)]
        pool.submit(produce, line)
        return [consumer.result() for consumer in consumers]


if __name__ == "__main__":
    print(main(), "in", threading.current_thread().name)
