#!/usr/bin/env python3
"""Makes every picture again with Pillow's resize and blend, by upstream's formulas (colours and opacity times 256, in single
precision; the other yardstick takes 255), and compares it pixel by pixel with what was drawn. Prints one JSON line.

usage: compare_pictures.py --images ROOT --top-values top_values.pt --top-img-i top_img_i.pt --drawn DIR
"""
import argparse, json, math, os
import numpy as np, torch
from PIL import Image, ImageDraw
import matplotlib

p = argparse.ArgumentParser()
for name in ("images", "top-values", "top-img-i", "drawn"): p.add_argument("--" + name, required=True)
a = p.parse_args()
plasma = matplotlib.colormaps["plasma"] if hasattr(matplotlib, "colormaps") else matplotlib.cm.get_cmap("plasma")
ext = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
files = [os.path.join(a.images, c, f) for c in sorted(os.listdir(a.images)) for f in sorted(os.listdir(os.path.join(a.images, c))) if f.lower().endswith(ext)]
values, index = torch.load(a.top_values).numpy(), torch.load(a.top_img_i).tolist()

def expected(path, patches, upper):
    img = Image.open(path).convert("RGB").resize((512, 512)).crop((32, 32, 480, 480))
    side = int(math.sqrt(len(patches))); px = img.width // side
    overlay = Image.new("RGBA", img.size, (0, 0, 0, 0)); draw = ImageDraw.Draw(overlay)
    scaled = (patches / np.float32(upper + 1e-9)).astype(np.float32)
    colours = np.minimum(plasma(scaled)[:, :3] * 256, 255).astype(np.uint8)
    for n, (v, rgb) in enumerate(zip(scaled, colours)):
        x, y = n % side * px, n // side * px
        # One pixel less than upstream's, which bleeds into the neighbours.
        draw.rectangle([(x, y), (x + px - 1, y + px - 1)], fill=(*map(int, rgb), int(np.float32(0.9) * v * np.float32(256))))
    return Image.alpha_composite(img.convert("RGBA"), overlay).convert("RGB")

different, worst, n = 0, 0, 0
for latent, images in enumerate(index):
    seen = set()
    for row, i in zip(values[latent], images):
        if i in seen or row.max() <= 0: continue
        drawn = np.asarray(Image.open(os.path.join(a.drawn, "neurons", str(latent), f"{len(seen)}.png")).convert("RGB")).astype(int)
        off = int(abs(drawn - np.asarray(expected(files[i], row, values[latent].max()))).max())
        seen.add(i); n += 1; different += off > 0; worst = max(worst, off)
print(json.dumps({"pictures": n, "different": different, "levels_at_most": worst}))
