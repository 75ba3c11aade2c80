/**
 * Settings of `activations`, which records what a model gives.
 * @module
 */
import { z } from "./_zod.ts";

const count = (): z.ZodInt => z.int().min(1);

/** The part of the schema; its types are `RecordingConfig`. */
export const RECORDING = {
  model: z.string().min(1).optional().meta({
    description: "ONNX file of the vision transformer; weights in files beside it are found",
    unit: "path",
  }),
  layers: z.array(z.int()).default([]).meta({
    description:
      "Layers to record: positions in the model's stack of hidden states, or the numbers in its outputs' names; -1 is the last",
    unit: "layers",
  }),
  outputs: z.array(z.string().min(1)).default([]).meta({
    description: "Outputs that hold them, one for each layer or one for all; found by name and shape when not given",
  }),
  cls: z.enum(["auto", "keep", "drop", "none"]).default("auto").meta({
    description: "Whether token 0 is CLS and recorded, CLS and left out, or no CLS; auto tells by the number of tokens",
  }),
  registers: z.int().min(0).optional().meta({
    description: "Register tokens before the patches, which are left out; told by the number of tokens when not given",
    unit: "tokens",
  }),
  preprocessor: z.string().min(1).optional().meta({
    description: "Hugging Face preprocessor_config.json to take size, crop, filter, mean and deviation from",
    unit: "path",
  }),
  resize: z.array(count()).max(2).default([]).meta({
    description: "Short side to resize to, or height and width to stretch to; the model's input size when not given",
    unit: "pixels",
  }),
  crop: z.array(count()).max(2).default([]).meta({
    description: "Side, or height and width, of the central part that is kept after that",
    unit: "pixels",
  }),
  interpolation: z.enum(["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]).optional().meta({
    description: "Filter of the resize, as Pillow's; bicubic when not given",
  }),
  mean: z.array(z.number()).max(3).default([]).meta({
    description: "Subtracted from samples 0 … 1: one number, or red, green and blue",
  }),
  std: z.array(z.number().positive()).max(3).default([]).meta({
    description: "What they are divided by then",
  }),
  layout: z.enum(["january", "current"]).default("current").meta({
    description: "Layout of the shards: the January 2025 release's, or today's in a directory named by its hash",
  }),
  tokensPerShard: count().default(2_400_000).meta({
    description: "Most vectors in a shard, over all layers",
    unit: "tokens",
  }),
  vitBatchSize: count().default(16).meta({
    description: "Pictures the model takes at once; changes speed and memory",
    unit: "pictures",
  }),
  modelFamily: z.string().min(1).default("onnx").meta({
    description: "Family of the model, as it is written into metadata.json",
  }),
  modelCkpt: z.string().min(1).optional().meta({
    description: "Name of the model, as it is written into metadata.json; its file's name when not given",
  }),
  fromPictures: z.boolean().default(false).meta({
    description: "With visuals, record the activations first, into activations/ below --dump-to; needs --model",
  }),
};
