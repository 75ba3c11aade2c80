/**
 * Inflates a zlib stream into a buffer of known size.
 *
 * The result never holds more than `size` bytes: what a longer stream would add is dropped, so a bomb costs time
 * but no memory. It may hold fewer when the stream ends early in good order.
 *
 * @param bytes The zlib stream, header included.
 * @param size The most bytes to produce.
 * @throws {Error} If the stream is damaged or cut off.
 */
export function inflateZlib(bytes: Uint8Array, size: number): Uint8Array;
