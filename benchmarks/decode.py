import gc, statistics, time
import orjson
from benchmarks.corpus import Corpus
from ours_experiments._codec import *
from ours_experiments._codec import fast_converter, converter
from ours_experiments.models import Experiment
pages=[Corpus(s).page() for s in range(3)]
def loads(p): return orjson.loads(p)
def fast(p):
    return decode_entities(Experiment, orjson.loads(p)["entities"])
def precise(p):
    return converter().structure(orjson.loads(p)["entities"], tuple[Experiment,...])
C={"loads":loads,"fast":fast,"precise":precise}
times={n:[] for n in C}
assert fast(pages[0])==precise(pages[0])
try: fast_converter().structure(orjson.loads(pages[0])["entities"], tuple[Experiment,...])
except Exception as e: import traceback; traceback.print_exc()
for r in range(60):
    for n,f in C.items():
        t=time.perf_counter()
        for p in pages: f(p)
        times[n].append(time.perf_counter()-t)
for n in C:
    print(n, round(statistics.median(times[n])/3*1e6), round(statistics.median(a/b for a,b in zip(times[n],times["loads"])),2))
