"""An implementation of the specification in numpy, dense and in float64, to hold the artifacts of random jobs against.

make FROM TO DIR           for each seed writes shards, a checkpoint and args.json (settings) to DIR/SEED
check FROM TO DIR DEVICE   compares DIR/SEED/DEVICE/sort_by_* with what it computes itself; prints a line each, or fails

Half of the cases have small integers for values, so that every activation is exact in f32: there everything has to be
equal, ties included. In the others ranks may differ where values are closer than f32 can tell.
"""

import json
import math
import os
import sys

import numpy as np
import torch

U = 2.0**-24


def draw(seed):
    """The case: settings, and everything that the files hold."""
    rng = np.random.default_rng(seed)
    pick = lambda *options: options[rng.integers(len(options))]
    c = {"integers": bool(rng.integers(2)), "current": bool(rng.integers(2)), "cls": bool(rng.integers(2))}
    c["d"], c["n"] = int(rng.integers(2, 40)), int(rng.integers(3, 70))
    c["patches"] = int(pick(1, 4, 6, 9, 16))
    c["imgs"] = int(rng.integers(3, 40))
    c["layers"] = [[-2], [3, 7], [11, -1, 0]][rng.integers(3)]
    c["layer"] = pick(*c["layers"], "meanpool")
    c["rows"] = pick("patches", "patches", "cls" if c["cls"] else "meanpool", "meanpool")
    c["sort_by"] = pick("patch", "sum") if c["rows"] == "patches" else "img"
    c["dedupe"] = pick("none", "image") if c["sort_by"] == "patch" else "none"
    c["k"] = int(pick(1, 3, 8, 50))
    c["percentile"] = int(pick(50, 90, 99))
    c["m"] = int(pick(0, 2, 5))
    c["batch"] = int(pick(7, 64, 16384))
    c["clamp"] = float(pick(1e5, 4.0))
    c["act"] = pick("relu", "relu", "topk", "threshold") if c["current"] else "relu"
    c["act_k"], c["threshold"] = int(rng.integers(1, c["n"])), float(pick(0.75, 1.5))
    c["scale_mean"], c["scale_norm"] = (False, False) if c["integers"] else (bool(rng.integers(2)), bool(rng.integers(2)))
    if c["integers"]:
        c["layer"] = c["layers"][0]
        c["rows"], c["sort_by"] = ("patches", c["sort_by"]) if c["sort_by"] != "img" else (c["rows"] if c["rows"] == "cls" else "patches", "img")
        if c["rows"] == "patches" and c["sort_by"] == "img":
            c["sort_by"] = "patch"
        if c["act"] == "topk":
            c["act"] = "relu"
    tokens = c["patches"] + c["cls"]
    shape = (c["imgs"], len(c["layers"]), tokens, c["d"])
    if c["integers"]:
        c["x"] = rng.integers(-3, 4, shape).astype(np.float32)
        c["w"] = rng.integers(-2, 3, (c["d"], c["n"])).astype(np.float32)
        c["b"] = rng.integers(-20, 3, c["n"]).astype(np.float32)
        c["b_dec"] = rng.integers(-1, 2, c["d"]).astype(np.float32)
    else:
        c["x"] = (rng.standard_normal(shape) * rng.uniform(0.3, 3, c["d"]) + rng.standard_normal(c["d"])).astype(np.float32)
        c["w"] = (rng.standard_normal((c["d"], c["n"])) / math.sqrt(c["d"])).astype(np.float32)
        c["b"] = rng.uniform(-2, 0.5, c["n"]).astype(np.float32)
        c["b_dec"] = rng.standard_normal(c["d"]).astype(np.float32)
    c["b"][rng.integers(c["n"])] = -1e4  # never fires
    rows = c["imgs"] * (c["patches"] if c["rows"] == "patches" else 1)
    c["samples"] = int(pick(2**19, max(2, rows // 3)))
    c["per_shard"] = int(rng.integers(1, c["imgs"] + 1))
    return c


def make(seed, parent):
    c = draw(seed)
    root = f"{parent}/{seed}"
    shards = f"{root}/shards"
    os.makedirs(shards)
    tokens, layers, per = c["patches"] + c["cls"], len(c["layers"]), c["per_shard"]
    common = {"layers": c["layers"], "cls_token": c["cls"]}
    if c["current"]:
        metadata = common | {
            "family": "clip", "ckpt": "x", "content_tokens_per_example": c["patches"], "d_model": c["d"],
            "n_examples": c["imgs"], "max_tokens_per_shard": per * tokens * layers, "data": "", "dataset": "x",
            "pixel_agg": "majority", "dtype": "float32", "protocol": "2.1",
        }
    else:
        metadata = common | {
            "model_family": "clip", "model_ckpt": "x", "n_patches_per_img": c["patches"], "d_vit": c["d"], "seed": 1,
            "n_imgs": c["imgs"], "n_patches_per_shard": per * tokens * layers, "data": "x",
        }
    listed = []
    for i, first in enumerate(range(0, c["imgs"], per)):
        block = c["x"][first : first + per]
        listed.append({"name": f"acts{i:06}.bin", "n_examples": len(block)})
        if not c["current"] and len(block) < per:
            # The padding is never read: NaN would be noticed.
            block = np.concatenate([block, np.full((per - len(block), *block.shape[1:]), np.nan, np.float32)])
        block.tofile(f"{shards}/acts{i:06}.bin")
    if c["current"]:
        json.dump(listed, open(f"{shards}/shards.json", "w"))
    json.dump(metadata, open(f"{shards}/metadata.json", "w"))
    state = {"W_enc": torch.tensor(c["w"]), "b_enc": torch.tensor(c["b"]), "W_dec": torch.tensor(c["w"].T.copy()), "b_dec": torch.tensor(c["b_dec"])}
    if c["current"]:
        name = {"relu": "Relu", "topk": "TopK", "threshold": "BatchTopK"}[c["act"]]
        params = {"relu": {}, "topk": {"top_k": c["act_k"]}, "threshold": {"top_k": c["act_k"]}}[c["act"]]
        if c["act"] == "threshold":
            state["activation.threshold"] = torch.tensor(c["threshold"])
        header = {"schema": 4, "cfg": {"d_model": c["d"], "d_sae": c["n"], "activation": {"cls": name, "params": params}}}
    else:
        header = {"d_vit": c["d"], "exp_factor": 1}
    with open(f"{root}/sae.pt", "wb") as file:
        file.write((json.dumps(header) + "\n").encode())
        torch.save(state, file)
    args = {
        "ckpt": f"{root}/sae.pt", "sortBy": c["sort_by"], "dedupe": c["dedupe"], "topK": c["k"], "percentile": c["percentile"],
        "nDistributions": c["m"], "topkBatchSize": c["batch"],
        "data": {
            "shardRoot": shards, "patches": c["rows"], "layer": c["layer"], "clamp": c["clamp"], "scaleMean": c["scale_mean"],
            "scaleNorm": c["scale_norm"], "nRandomSamples": c["samples"],
        },
    }
    json.dump(args, open(f"{root}/args.json", "w"))


def rows_of(c):
    """f64 [images, rows of an image, d], as the encoder sees them before b_dec."""
    x = c["x"].astype(np.float64)
    x = x.mean(1) if c["layer"] == "meanpool" else x[:, c["layers"].index(c["layer"])]
    if c["rows"] == "cls":
        x = x[:, :1]
    else:
        x = x[:, int(c["cls"]) :]
        if c["rows"] == "meanpool":
            x = x.mean(1, keepdims=True)
    x = np.clip(x, -c["clamp"], c["clamp"])
    flat = x.reshape(-1, c["d"])
    order = np.random.default_rng(42).permutation(len(flat))[: c["samples"]]
    sample = flat[order]
    mean = sample.mean(0) if c["scale_mean"] else 0.0
    scalar = np.linalg.norm(sample - mean, axis=1).mean() / math.sqrt(c["d"]) if c["scale_norm"] else 1.0
    return (x - mean) / scalar


def activations(c):
    """f64 [images, rows of an image, n], and how far an f32 result may be from them."""
    x = rows_of(c)
    if not c["current"]:
        x = x - c["b_dec"]
    w = c["w"].astype(np.float64)
    pre = x @ w + c["b"]
    n = 2 * c["d"] + 40
    gamma = n * U / (1 - n * U)
    # Rows are rounded too, before and after they are centred: in the size of what they are made of.
    size = np.abs(x) + np.abs(c["b_dec"]) + (np.abs(x).max() + 1)
    tolerance = 4 * gamma * (size @ np.abs(w) + np.abs(c["b"]))
    if c["act"] == "topk":
        cut = np.sort(pre, axis=-1)[..., -c["act_k"], None]
        f = np.where(pre >= cut, np.maximum(pre, 0), 0)
    elif c["act"] == "threshold":
        f = np.where(pre > c["threshold"], pre, 0)
    else:
        f = np.maximum(pre, 0)
    return f, tolerance


def check(seed, parent, device):
    c = draw(seed)
    out = f"{parent}/{seed}/{device}/sort_by_{c['sort_by']}"
    f, tol = activations(c)
    imgs, per, n = f.shape
    flat = f.reshape(-1, n)
    load = lambda name: torch.load(f"{out}/{name}.pt").numpy()
    sparsity, mean, count = load("sparsity"), load("mean_values"), load("top_count")
    values, ranked, top_i = load("top_values"), load("rank_values"), load("top_img_i")
    exact = c["integers"]
    slack = 0 if exact else tol.reshape(-1, n)
    at_edge = np.zeros(n) if exact else edge(c, flat, slack).sum(0)
    fires = (flat > 0).sum(0)
    ours = np.rint(sparsity.astype(np.float64) * len(flat))
    assert (np.abs(ours - fires) <= at_edge).all(), ("sparsity", ours, fires)
    sure = (at_edge == 0) & (fires > 0)
    expected = flat.sum(0)[sure] / fires[sure]
    bound = 2 * U * np.abs(expected) + (0 if exact else slack.max(0)[sure])
    assert (np.abs(mean[sure] - expected) <= bound).all(), ("mean", mean[sure], expected)
    assert np.isnan(mean[ours == 0]).all() and (count[ours == 0] == 0).all(), "latents that never fire"
    distributions = load("distributions")
    assert distributions.shape == (min(c["m"], n), len(flat)), distributions.shape
    clear = ~edge(c, flat, slack) if not exact else np.ones_like(flat, bool)
    for j in range(len(distributions)):
        off = np.abs(distributions[j] - flat[:, j])[clear[:, j]]
        assert (off <= (0 if exact else slack[:, j][clear[:, j]])).all(), ("distributions", j, off.max())
    entries = 0
    for j in range(n):
        entries += check_ranking(c, j, f, tol, {"values": values, "ranked": ranked, "images": top_i, "count": count, "out": out, "clear": clear})
    print(f"{seed}: {c['sort_by']} {c['rows']} layer {c['layer']} {c['act']} {'exact' if exact else 'f32'}: {len(flat)} rows, {n} latents, {entries} entries")


def edge(c, flat, slack):
    """Where f32 may fire and f64 not, or the other way round."""
    if c["act"] == "topk":
        # Near the cut of its row, a pre-activation may fall on either side.
        f, _ = activations(dict(c, act="relu"))
        pre = f.reshape(flat.shape)
        cut = np.sort(pre, axis=-1)[:, -c["act_k"], None]
        below = np.sort(np.concatenate([pre, np.full((len(pre), 1), -1.0)], 1), axis=-1)[:, -c["act_k"] - 1, None]
        return ((np.abs(pre - cut) <= 2 * slack.max(1, keepdims=True)) & (np.abs(cut - below) <= 4 * slack.max())) | (np.abs(pre) <= slack)
    at = c["threshold"] if c["act"] == "threshold" else 0
    full, _ = activations_before(c)
    return np.abs(full.reshape(flat.shape) - at) <= slack


def activations_before(c):
    x = rows_of(c)
    if not c["current"]:
        x = x - c["b_dec"]
    return x @ c["w"].astype(np.float64) + c["b"], None


def check_ranking(c, j, f, tol, got):
    imgs, per, _ = f.shape
    values, ranked, top_i, count = got["ranked"][j], got["ranked"][j], got["images"][j], int(got["count"][j])
    exact = c["integers"]
    if c["sort_by"] == "sum":
        keys = [(float(np.float64(f[i, :, j]).sum()), i, 0) for i in range(imgs)]
        slack = 0 if exact else per * tol[:, :, j].max()
    else:
        keys = [(float(f[i, p, j]), i, p) for i in range(imgs) for p in range(per)]
        slack = 0 if exact else tol[:, :, j].max()
        if c["dedupe"] == "image":
            keys = [max((key for key in keys if key[1] == i), key=lambda key: (key[0], -key[2])) for i in range(imgs)]
    order = sorted((key for key in keys if key[0] > 0), key=lambda key: (-key[0], key[1], key[2]))
    unsure = 0 if exact else sum(1 for key in keys if abs(key[0] - (c["threshold"] if c["act"] == "threshold" else 0)) <= slack) + (len(keys) if not got["clear"][:, j].all() else 0)
    assert abs(count - min(c["k"], len(order))) <= unsure, ("top_count", j, count, len(order))
    assert (ranked[count:] == -1).all() and (top_i[count:] == 0).all(), ("past the count", j)
    if exact:
        want = order[:count]
        assert [int(i) for i in top_i[:count]] == [key[1] for key in want], ("images", j)
        assert [float(v) for v in ranked[:count]] == [key[0] for key in want], ("values", j)
    elif unsure == 0:
        for v, key in zip(ranked[:count], order):
            assert abs(float(v) - key[0]) <= 2 * slack, ("values", j, v, key)
        assert all(a >= b for a, b in zip(ranked[:count], ranked[1:count])), ("order", j)
    if got["values"].ndim == 3:
        maps = got["values"][j]
        assert (maps[count:] == -1).all(), ("heatmaps past the count", j)
        for r in range(count):
            image = int(top_i[r])
            off = np.abs(maps[r] - f[image, :, j])
            sure = got["clear"].reshape(imgs, per, -1)[image, :, j]
            assert (off[sure] <= (0 if exact else tol[image, :, j][sure])).all(), ("heatmap", j, r)
            if c["sort_by"] == "patch":
                assert float(ranked[r]) in [float(v) for v in maps[r]], ("its own patch", j, r)
    return count


if __name__ == "__main__":
    what, first, last, *rest = sys.argv[1:]
    for seed in range(int(first), int(last)):
        {"make": make, "check": check}[what](seed, *rest)
