/** The exports of libjpeg-turbo's TurboJPEG interface, compiled to WebAssembly. Pointers are byte offsets. */
export interface JpegTurbo {
  readonly memory: WebAssembly.Memory;
  malloc(size: number): number;
  free(pointer: number): void;
  tjInitDecompress(): number;
  tjDestroy(handle: number): number;
  tjDecompressHeader3(
    handle: number,
    jpeg: number,
    jpegSize: number,
    width: number,
    height: number,
    subsampling: number,
    colorspace: number,
  ): number;
  tjDecompress2(
    handle: number,
    jpeg: number,
    jpegSize: number,
    out: number,
    width: number,
    pitch: number,
    height: number,
    pixelFormat: number,
    flags: number,
  ): number;
}

/** Makes a fresh instance of the decoder; needs no permission. */
export function instantiateJpegTurbo(): JpegTurbo;
