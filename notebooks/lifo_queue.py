"""Three consumers take from a LIFO queue: two are quick, one is slow. Run it, or trace it with VizTracer."""

import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor

ITEMS = 12


def produce(line, over):
    try:
        for item in range(ITEMS):
            line.put(item)
            time.sleep(0.002)
    finally:
        over.set()


def work(item, slow):
    total = 0
    for i in range(50_000):
        total ^= i
    time.sleep(0.02 if slow else 0.002)
    return item, total


def consume(line, over, slow):
    taken = []
    while True:
        last = over.is_set()  # asked before the queue is: nothing can come in between
        try:
            item = line.get(timeout=0.05)
        except queue.Empty:
            if last:
                return taken
        else:
            taken.append(work(item, slow)[0])


def main():
    line, over = queue.LifoQueue(), threading.Event()
    with ThreadPoolExecutor(3, thread_name_prefix="queue") as pool:
        consumers = [pool.submit(consume, line, over, slow) for slow in (False, True, False)]
        produce(line, over)
        return [consumer.result() for consumer in consumers]


if __name__ == "__main__":
    print(main(), "in", threading.current_thread().name)
