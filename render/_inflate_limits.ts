/** Bytes that one byte of a deflate stream can make: 258 from two bits. Source: RFC 1951; zlib's technical notes. */
export const MAX_DEFLATE_RATIO = 1032;

/** Stored blocks, headers and a checksum may make a stream longer than what it holds, but not by more than this and as much again. */
export const MAX_DEFLATE_SLACK_BYTES = 1 << 16;
