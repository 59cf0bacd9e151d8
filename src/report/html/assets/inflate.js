"use strict";
// Unpacks raw DEFLATE (RFC 1951) where the browser can't: canonical Huffman codes, read bit by bit.
const inflate = (bytes) => {
  let out = new Uint8Array(Math.max(1024, bytes.length * 8)), size = 0, at = 0, hold = 0, held = 0;
  const bits = (count) => {
    while (held < count) {
      if (at >= bytes.length) throw new Error("the packed data ends early");
      hold |= bytes[at++] << held;
      held += 8;
    }
    const value = hold & ((1 << count) - 1);
    hold >>>= count;
    held -= count;
    return value;
  };
  const room = (more) => {
    if (size + more <= out.length) return;
    const larger = new Uint8Array(Math.max(out.length * 2, size + more));
    larger.set(out);
    out = larger;
  };
  // How many codes have each length, and the symbols in the order of their codes.
  const tree = (lengths) => {
    const counts = new Uint16Array(16), starts = new Uint16Array(16), symbols = new Uint16Array(lengths.length);
    for (const length of lengths) counts[length] += 1;
    counts[0] = 0;
    for (let length = 1; length < 15; length += 1) starts[length + 1] = starts[length] + counts[length];
    lengths.forEach((length, symbol) => { if (length) symbols[starts[length]++] = symbol; });
    return { counts, symbols };
  };
  const symbol = ({ counts, symbols }) => {
    let code = 0, first = 0, index = 0;
    for (let length = 1; length < 16; length += 1) {
      code |= bits(1);
      const count = counts[length];
      if (code - count < first) return symbols[index + code - first];
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw new Error("the packed data has an unknown code");
  };
  const steps = (first, every, count) => {
    const extra = Array.from({ length: count }, (_, index) => Math.max(0, Math.floor(index / every) - 1));
    let base = first;
    return extra.map((more) => { const from = base; base += 1 << more; return [from, more]; });
  };
  const lengths = steps(3, 4, 28).concat([[258, 0]]), distances = steps(1, 2, 30);
  const fixed = [tree(Array.from({ length: 288 }, (_, n) => (n < 144 ? 8 : n < 256 ? 9 : n < 280 ? 7 : 8))), tree(new Array(30).fill(5))];
  const dynamic = () => {
    const literals = bits(5) + 257, far = bits(5) + 1, codes = bits(4) + 4, own = new Array(19).fill(0), all = [];
    for (let index = 0; index < codes; index += 1) own[[16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15][index]] = bits(3);
    const lead = tree(own);
    while (all.length < literals + far) {
      const found = symbol(lead);
      if (found < 16) all.push(found);
      else {
        const [value, times] = found === 16 ? [all[all.length - 1], 3 + bits(2)] : [0, found === 17 ? 3 + bits(3) : 11 + bits(7)];
        for (let time = 0; time < times; time += 1) all.push(value);
      }
    }
    return [tree(all.slice(0, literals)), tree(all.slice(literals))];
  };
  for (let last = 0; !last;) {
    last = bits(1);
    const kind = bits(2);
    if (kind === 3) throw new Error("the packed data has an unknown block");
    if (kind === 0) {
      hold = held = 0;
      const length = bytes[at] | (bytes[at + 1] << 8);
      at += 4;
      room(length);
      out.set(bytes.subarray(at, at + length), size);
      size += length;
      at += length;
      continue;
    }
    const [literal, distance] = kind === 1 ? fixed : dynamic();
    for (;;) {
      const found = symbol(literal);
      if (found === 256) break;
      if (found < 256) { room(1); out[size++] = found; continue; }
      const [base, more] = lengths[found - 257], length = base + bits(more);
      const [near, further] = distances[symbol(distance)], from = size - near - bits(further);
      if (from < 0) throw new Error("the packed data points before its beginning");
      room(length);
      for (let index = 0; index < length; index += 1) out[size + index] = out[from + index];
      size += length;
    }
  }
  return out.subarray(0, size);
};
