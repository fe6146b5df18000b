export interface BlockTemplate {
  readonly bytes: Buffer;
}
