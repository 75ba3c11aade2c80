// PNG's Paeth filter. With p = b − c and q = a − c it compares |p|, |q| and |p + q|; where p and q have the same sign the last
// is no less than the others, which a saturated sum keeps, else it is the difference of the first two: all fits in bytes.

@inline function distance(a: v128, b: v128): v128 {
  return v128.or(i8x16.sub_sat_u(a, b), i8x16.sub_sat_u(b, a));
}

@inline function paeth16(a: v128, b: v128, c: v128): v128 {
  const pa = distance(b, c), pb = distance(a, c);
  const apart = v128.xor(i8x16.ge_u(b, c), i8x16.ge_u(a, c));
  const pc = v128.bitselect(distance(pa, pb), i8x16.add_sat_u(pa, pb), apart);
  const least = i8x16.min_u(pb, pc);
  return v128.bitselect(a, v128.bitselect(b, c, i8x16.le_u(pb, pc)), i8x16.le_u(pa, least));
}

/** Filters RGB rows of `pitch` bytes to rows of `pitch + 1`, each led by its filter: Sub for the first, then Paeth. */
export function filterRows(source: usize, pitch: usize, rows: i32, out: usize): void {
  for (let y = 0; y < rows; y++, source += pitch) {
    store<u8>(out, y == 0 ? 1 : 4);
    out++;
    const above = source - pitch;
    for (let i: usize = 0; i < 3; i++) {
      store<u8>(out + i, load<u8>(source + i) - (y > 0 ? load<u8>(above + i) : 0));
    }
    let i: usize = 3;
    // The last vector may reach into the next row's place, which is written after this one.
    for (; i < pitch; i += 16) {
      const x = v128.load(source + i), a = v128.load(source + i - 3);
      v128.store(
        out + i,
        i8x16.sub(x, y > 0 ? paeth16(a, v128.load(above + i), v128.load(above + i - 3)) : a),
      );
    }
    out += pitch;
  }
}
