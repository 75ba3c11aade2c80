#!/usr/bin/env python3
"""Makes photographs to time pictures with: 500 x 375 JPEGs in one class folder, about 100 KB each as in ImageNet. Each is a crop of the photograph that
comes with matplotlib, at a scale, a turn, colours and a sensor's noise of its own, so that no two share their pixels. Needs numpy and Pillow.

usage: make_photographs.py OUT [--count 256] [--quality 90] [--seed 0]
"""
import argparse, os, numpy as np, matplotlib
from PIL import Image, ImageEnhance
p = argparse.ArgumentParser(); p.add_argument("out")
for n, d in (("count", 256), ("quality", 90), ("seed", 0)): p.add_argument("--" + n, type=int, default=d)
a = p.parse_args(); g = np.random.default_rng(a.seed)
source = Image.open(os.path.join(matplotlib.get_data_path(), "sample_data", "grace_hopper.jpg")).convert("RGB")
os.makedirs(f"{a.out}/photographs", exist_ok=True)
for i in range(a.count):
    w = g.uniform(0.5, 0.95) * source.width; h = w * 0.75
    x, y = g.uniform(0, source.width - w), g.uniform(0, source.height - h)
    img = source.rotate(g.uniform(-12, 12), Image.BICUBIC).resize((500, 375), Image.LANCZOS, (x, y, x + w, y + h))
    if g.random() < 0.5: img = img.transpose(Image.FLIP_LEFT_RIGHT)
    img = ImageEnhance.Color(img).enhance(g.uniform(0.6, 1.4)); img = ImageEnhance.Contrast(img).enhance(g.uniform(0.8, 1.3))
    noise = g.normal(0, g.uniform(2, 9), (375, 500, 1)) + g.normal(0, 2, (375, 500, 3))
    Image.fromarray(np.clip(np.asarray(img) + noise, 0, 255).astype(np.uint8)).save(f"{a.out}/photographs/{i:05}.jpg", quality=a.quality)
