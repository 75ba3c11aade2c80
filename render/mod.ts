/**
 * From numbers to pictures, plots and pages. Pure: bytes and text come out, nothing is written.
 * @module
 */
export {
  type DistributionsInput,
  type DistributionsPlot,
  MARKED_PERCENTILES,
  type PanelNumbers,
  PERCENTILE_COLOURS,
  PLOT_BINS,
  plotActivationDistributions,
} from "./plot_activation_distributions.ts";
export { plotSketchDistributions, type SketchDistributionsInput } from "./plot_sketch_distributions.ts";
export { type OnlineQuantileInput, plotOnlineQuantile } from "./plot_online_quantile.ts";
export { FONT_FAMILY, MAX_PLOT_PIXELS, svgToPng } from "./svg_to_png.ts";
export { type GridElement, makeImg, type MakeImgOptions } from "./make_img.ts";
export { type DecodeOptions, decodePicture, MAX_PICTURE_PIXELS } from "./decode_picture.ts";
export { encodePng } from "./encode_png.ts";
export { type Picture, picture, placeholderPicture } from "./picture.ts";
export {
  type AxisMaps,
  type Fit,
  type FitGeometry,
  fitGeometry,
  type PatchGrid,
  patchGrid,
  patchMap,
  patchRect,
} from "./fit.ts";
export { drawHeatmap, type HeatmapOptions } from "./heatmap.ts";
export { type PixelRect, resize, type ResizeFilter, type ResizeTarget } from "./resize.ts";
export { fillTensor, layOutForModel, patchLabels, type PictureTransform, type PixelSize } from "./picture_transform.ts";
export { parsePreprocessor, type Preprocessor } from "./parse_preprocessor.ts";
export { colorStep, PLASMA } from "./colormap.ts";
export {
  buildViewer,
  PICTURES_AT_ONCE,
  type PictureSize,
  type StoredPicture,
  type ViewerArtifacts,
  type ViewerColumn,
  type ViewerExamples,
  type ViewerFile,
  type ViewerPicture,
  type ViewerRun,
} from "./viewer_data.ts";
export { keptPicture, MAX_ORIGINAL_BYTES, type StoredPictureOptions } from "./kept_picture.ts";
export { STORED_SIDE, storedPicture } from "./stored_picture.ts";
export { encodeJpeg } from "./encode_jpeg.ts";
