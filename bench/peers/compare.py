"""Times mom beside onnxruntime, OpenVINO and torch on the same weights, in one run.

    python bench/peers/compare.py --mom ./mom --work DIR [--models modernbert-base,minilm-l6]
        [--tokens 32,128,512] [--threads 1,2] [--rounds 3] [--json]

DIR takes the models (random weights of the named shapes, seeded) and their ONNX files; they are made once. Every
engine sees one request of the same length at a time. Rounds go through all engines in turn, so that a machine whose
speed drifts slows all of them; a cell is the median over rounds of the round's median time, in milliseconds.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import numpy as np
import torch

VOCAB = 30000  # ids are drawn below it


def make(name, folder):
    """A Hugging Face folder of the shape, and its ONNX exports in fp32 and dynamic int8."""
    from transformers import BertConfig, BertForSequenceClassification, ModernBertConfig, ModernBertForSequenceClassification

    torch.manual_seed(0)
    if name == "modernbert-base":
        model = ModernBertForSequenceClassification(ModernBertConfig(num_labels=14, attn_implementation="eager"))
    elif name == "minilm-l6":
        cfg = BertConfig(hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536,
                         num_labels=14, attn_implementation="eager")
        model = BertForSequenceClassification(cfg)
    else:
        sys.exit(f"unknown model {name}: want modernbert-base or minilm-l6")
    model = model.eval()
    if not os.path.exists(f"{folder}/int8.onnx"):
        os.makedirs(folder, exist_ok=True)
        model.save_pretrained(folder)

        class Logits(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.model = model

            def forward(self, input_ids):
                return self.model(input_ids=input_ids, attention_mask=torch.ones_like(input_ids)).logits

        length = torch.export.Dim("length", min=2, max=512)
        torch.onnx.export(Logits().eval(), (torch.randint(5, VOCAB, (1, 128)),), f"{folder}/fp32.onnx", dynamo=True,
                          dynamic_shapes={"input_ids": {1: length}}, input_names=["input_ids"],
                          output_names=["logits"], opset_version=18, external_data=False, verbose=False)
        from onnxruntime.quantization import QuantType, quantize_dynamic

        quantize_dynamic(f"{folder}/fp32.onnx", f"{folder}/int8.onnx", weight_type=QuantType.QInt8,
                         op_types_to_quantize=["MatMul", "Gemm"], per_channel=True)
    return model


class ORT:
    def __init__(self, path, threads):
        import onnxruntime as ort

        o = ort.SessionOptions()
        o.intra_op_num_threads, o.inter_op_num_threads = threads, 1
        self.session = ort.InferenceSession(path, o, providers=["CPUExecutionProvider"])

    def __call__(self, ids):
        return self.session.run(None, {"input_ids": ids})[0]


class OpenVINO:
    def __init__(self, path, threads, precision, length):
        import openvino as ov

        core = ov.Core()
        model = core.read_model(path)
        model.reshape([1, length])
        self.compiled = core.compile_model(model, "CPU", {
            "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision,
            "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1})
        self.request = self.compiled.create_infer_request()

    def __call__(self, ids):
        return self.request.infer({0: ids})[self.compiled.output(0)]


class Torch:
    def __init__(self, model, threads):
        self.model, self.threads = model, threads

    def __call__(self, ids):
        torch.set_num_threads(self.threads)
        with torch.inference_mode():
            return self.model(input_ids=torch.from_numpy(ids)).logits.numpy()


def timed(run, ids, seconds):
    """Median time in ms of calls for about `seconds`, at least five, after two that are not counted."""
    run(ids), run(ids)
    times, end = [], time.perf_counter() + seconds
    while len(times) < 5 or time.perf_counter() < end:
        t = time.perf_counter()
        run(ids)
        times.append((time.perf_counter() - t) * 1e3)
    return statistics.median(times)


def ours(mom, folder, precision, tokens, threads, passes):
    out = subprocess.run([mom, "bench", "model", "--model", folder, "--precision", precision, "--tokens", str(tokens),
                          "--threads", str(threads), "--passes", str(passes), "--json"],
                         capture_output=True, text=True)
    if out.returncode:
        sys.exit(out.stderr)
    return json.loads(out.stdout.strip().splitlines()[-1])


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--mom", default="./mom")
    p.add_argument("--work", required=True)
    p.add_argument("--models", default="modernbert-base,minilm-l6")
    p.add_argument("--tokens", default="32,128,512")
    p.add_argument("--threads", default="1,2")
    p.add_argument("--engines", default="ort-int8,ort-fp32,ov-bf16,ov-fp32,torch-fp32,mom-int8,mom-bf16,mom-f32")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--seconds", type=float, default=1.0, help="per cell and round")
    p.add_argument("--passes", type=int, default=15, help="of mom, per cell and round")
    p.add_argument("--json", action="store_true")
    a = p.parse_args()
    rng = np.random.default_rng(0)
    for name in a.models.split(","):
        folder = os.path.join(a.work, name)
        model = make(name, folder)
        print(f"\n{name}: ms for one request, median", flush=True)
        for tokens in map(int, a.tokens.split(",")):
            ids = rng.integers(5, VOCAB, (1, tokens), dtype=np.int64)
            for threads in map(int, a.threads.split(",")):
                cells = {e: [] for e in a.engines.split(",")}
                peers = {}
                for e in cells:
                    if e.startswith("ort-"):
                        peers[e] = ORT(f"{folder}/{e[4:]}.onnx", threads)
                    elif e.startswith("ov-"):
                        peers[e] = OpenVINO(f"{folder}/fp32.onnx", threads, {"bf16": "bf16", "fp32": "f32"}[e[3:]], tokens)
                    elif e == "torch-fp32":
                        peers[e] = Torch(model, threads)
                share, ceiling = {}, {}
                for _ in range(a.rounds):
                    for e in cells:
                        if e in peers:
                            cells[e].append(timed(peers[e], ids, a.seconds))
                        else:
                            r = ours(a.mom, folder, e[4:], tokens, threads, a.passes)
                            cells[e].append(r["p50_ms"])
                            share.setdefault(e, []).append(r["percent_of_ceiling"])
                row = {e: round(statistics.median(v), 2) for e, v in cells.items()}
                if a.json:
                    print(json.dumps({"model": name, "tokens": tokens, "threads": threads, "ms": row,
                                      "percent_of_ceiling": {e: round(statistics.median(v), 1) for e, v in share.items()}}), flush=True)
                else:
                    print(f"  {tokens:4d} tokens, {threads} thread(s): " + "  ".join(f"{e} {v}" for e, v in row.items())
                          + "  |  % of ceiling: " + "  ".join(f"{e} {statistics.median(v):.0f}" for e, v in share.items()), flush=True)


if __name__ == "__main__":
    main()
