/**
 * The page's one style sheet and one script, and the hashes under which its policy lets them in.
 * @module
 */

/** The style sheet. */
export const PAGE_STYLE = `
:root{color-scheme:light dark;--ink:#1b2430;--muted:#5c6875;--line:#dfe4ea;--page:#f6f7f9;--card:#fff;--soft:#eef1f5;--accent:#2457a6;--bars:#8aa9cc;--hot:#c2410c;--dots:#7b8ea6}
@media (prefers-color-scheme:dark){:root{--ink:#e6eaf0;--muted:#9aa7b5;--line:#2c3641;--page:#10151b;--card:#171e26;--soft:#202933;--accent:#8ab4f8;--bars:#4f749f;--hot:#fb923c;--dots:#8496ab}}
*{box-sizing:border-box}
html{scroll-padding-top:4.5rem;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
main,header{max-width:1240px;margin:0 auto;padding:0 20px}
header{padding-top:36px}
h1{font-size:1.75rem;line-height:1.2;letter-spacing:-.015em;margin:0 0 .4rem;overflow-wrap:anywhere}
h2{font-size:1.2rem;letter-spacing:-.01em;margin:2.4rem 0 .6rem}
h3{font-size:1.05rem;margin:0}
h3 a{color:inherit;text-decoration:none}
h3 a:hover{text-decoration:underline}
p{margin:.3rem 0 .8rem;max-width:80ch}
a{color:var(--accent)}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:3px}
.muted{color:var(--muted)}
.skip{position:absolute;left:-999px}
.skip:focus{left:20px;top:8px;background:var(--card);padding:6px 10px;z-index:3}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(180px,1fr));gap:12px 24px;margin:1.1rem 0 0;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 18px}
.facts div{min-width:0}
.facts dt{color:var(--muted);font-size:.78rem}
.facts dd{margin:0;overflow-wrap:anywhere}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 18px}
.scroll{overflow-x:auto}
.scatter{display:block;width:100%;min-width:520px;max-width:900px;height:auto;margin:0 auto}
svg text{fill:var(--muted);font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
svg .axis{stroke:var(--muted);fill:none}
svg .grid{stroke:var(--line);fill:none}
svg .dot{stroke:var(--dots);stroke-linecap:round;fill:none}
svg .range{stroke:var(--accent);fill:var(--accent);fill-opacity:.06;stroke-dasharray:5 4}
svg .chosen{fill:var(--hot);stroke:var(--card);stroke-width:1}
svg a:hover .chosen{stroke:var(--ink);stroke-width:2}
svg .bars{fill:var(--bars)}
svg .mark{stroke:var(--hot);stroke-width:1.5}
svg.bar{vertical-align:-2px;border-radius:3px}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,280px),460px));gap:14px;margin-top:14px}
.plots figure{margin:0}
.plots img{width:100%;height:auto;border-radius:6px;background:#fff}
.tools{position:sticky;top:0;z-index:2;display:flex;flex-wrap:wrap;gap:8px 14px;align-items:center;margin:0 -20px;padding:10px 20px;background:var(--page);border-bottom:1px solid var(--line)}
.tools[hidden]{display:none}
.tools label{display:flex;gap:7px;align-items:center;color:var(--muted);font-size:.87rem}
.tools input,.tools select{font:inherit;color:var(--ink);background:var(--card);border:1px solid var(--line);border-radius:7px;padding:5px 9px;min-width:0}
.tools input{width:min(19rem,52vw)}
.tools output{color:var(--muted);font-size:.87rem}
.latent{margin:16px 0;content-visibility:auto;contain-intrinsic-size:auto 460px}
.latent[hidden]{display:none}
.latent:target{border-color:var(--accent);box-shadow:0 0 0 1px var(--accent)}
.top{display:flex;flex-wrap:wrap;gap:8px 28px;justify-content:space-between;align-items:flex-start;margin-bottom:12px}
.stats{display:flex;flex-wrap:wrap;gap:4px 26px;margin:6px 0 0}
.stats dt{color:var(--muted);font-size:.78rem}
.stats dd{margin:0}
.hist{margin:0;flex:0 1 330px}
.hist svg{display:block;width:100%;height:auto}
.hist figcaption{color:var(--muted);font-size:.78rem;display:flex;flex-wrap:wrap;gap:0 12px}
.pictures{list-style:none;margin:0;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(140px,1fr));gap:14px 12px}
.pictures li{min-width:0}
.pictures figure{margin:0}
.pictures a{display:block}
.pictures img,.failed{display:block;width:100%;height:auto;aspect-ratio:1;object-fit:contain;border-radius:6px;background:var(--soft)}
.failed{display:grid;place-content:center;padding:10px;text-align:center;font-size:.8rem;color:var(--muted);border:1px dashed var(--muted);overflow:hidden;overflow-wrap:anywhere}
figcaption{font-size:.84rem;line-height:1.35;margin-top:5px}
figcaption .line{display:flex;justify-content:space-between;gap:8px}
.label,.name{display:block;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.name{font-size:.76rem;color:var(--muted)}
details{margin-top:12px}
summary{cursor:pointer;color:var(--accent);font-size:.9rem;margin-bottom:10px}
footer{color:var(--muted);font-size:.82rem;padding:20px 0 48px}
@media (max-width:560px){main,header{padding:0 14px}header{padding-top:22px}.tools{margin:0 -14px;padding:8px 14px}.card{padding:13px 13px}.pictures{grid-template-columns:repeat(auto-fill,minmax(98px,1fr));gap:11px 9px}h1{font-size:1.4rem}.hist{flex-basis:100%}.failed{font-size:.7rem;line-height:1.25;padding:5px;align-content:start}.facts{grid-template-columns:1fr 1fr}}
@media print{body{background:#fff}.tools{display:none}.latent{content-visibility:visible;break-inside:avoid}}
`;

/** The script: filters and sorts the latents that are already in the page. Without it everything is simply shown. */
export const PAGE_SCRIPT = `
"use strict";
(() => {
  const tools = document.getElementById("tools");
  const list = document.getElementById("latents");
  if (!tools || !list) return;
  const cards = Array.from(list.children);
  const filter = document.getElementById("filter");
  const sort = document.getElementById("sort");
  const shown = document.getElementById("shown");
  const text = new Map();
  const textOf = (card) => {
    if (!text.has(card)) {
      const labels = Array.from(card.querySelectorAll(".label, .name"), (e) => e.textContent);
      text.set(card, labels.join("\\n").toLowerCase());
    }
    return text.get(card);
  };
  const matches = (card, term) => /^[0-9]+$/.test(term) ? card.dataset.latent.startsWith(term) : textOf(card).includes(term);
  const apply = () => {
    const terms = filter.value.toLowerCase().split(/\\s+/).filter(Boolean);
    let count = 0;
    for (const card of cards) {
      card.hidden = !terms.every((term) => matches(card, term));
      if (!card.hidden) count += 1;
    }
    shown.textContent = count + " of " + cards.length + " shown";
  };
  const order = () => {
    const key = sort.value;
    const number = (card) => card.dataset[key] === "" ? -Infinity : Number(card.dataset[key]);
    const sorted = cards.map((card, i) => [card, i]);
    if (key === "latent") sorted.sort((a, b) => number(a[0]) - number(b[0]) || a[1] - b[1]);
    else if (key !== "given") sorted.sort((a, b) => number(b[0]) - number(a[0]) || a[1] - b[1]);
    list.append(...sorted.map((pair) => pair[0]));
  };
  const reveal = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target && target.hidden) {
      filter.value = "";
      apply();
      target.scrollIntoView();
    }
  };
  filter.addEventListener("input", apply);
  sort.addEventListener("change", order);
  addEventListener("hashchange", reveal);
  tools.hidden = false;
  apply();
  order();
})();
`;

/** base64 of the SHA-256 of {@linkcode PAGE_STYLE}; a test recomputes it. */
export const PAGE_STYLE_SHA256 = "JOU6CDscTZxJXyPUkSRa4lQHNT8I2M8680F4zD4avzU=";

/** base64 of the SHA-256 of {@linkcode PAGE_SCRIPT}; a test recomputes it. */
export const PAGE_SCRIPT_SHA256 = "7z9wQlwEI2DJiLW6rhd4bWOhjHFS2p46SyJghWaxUIU=";
