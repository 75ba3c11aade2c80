// The only file that names zod.
export { z } from "npm:zod@4.6.7";
