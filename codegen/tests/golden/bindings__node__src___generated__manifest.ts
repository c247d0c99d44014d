// Generated from spec/services by codegen. Do not edit.
/** The manifest: an application as data. Members keep the names that spikard.toml and the other languages have. */

/**
 * A colour.
 *
 * `red`: Like fire.
 * `null`
 */
export type Colour = 'red' | 'null';

/** A wheel. */
export interface Wheel {
  /** Its size, in inches. In inches. */
  readonly in: number;
  /** Spokes; -1: not counted. Default: `-1`. */
  readonly spokes?: number;
}

/** A shop of bikes. */
export interface Shop {
  /** Its name. Default: `"the \"shop\""`. */
  readonly name?: string;
  /** It is open. Default: `true`. */
  readonly open?: boolean;
  /** Of the door. Default: `"red"`. */
  readonly colour?: Colour;
  /** Of the bikes. Default: `[]`. */
  readonly colours?: readonly Colour[];
  /** Words. Default: `["a", "b"]`. */
  readonly tags?: readonly string[];
  /** In store. Default: `[]`. */
  readonly wheels?: readonly Wheel[];
  /** The best one. Default: `null`. */
  readonly best?: Wheel | null;
  /** Named ones. Default: `{}`. */
  readonly by_name?: Readonly<Record<string, Wheel>>;
  /** Anything. Default: `null`. */
  readonly any?: unknown;
  /** How many; null: any number. Default: `5`. */
  readonly limit?: number | null;
}
