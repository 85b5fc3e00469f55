import QRCode from 'qrcode';

export interface QrMatrix {
  /** Modules on a side, without the quiet zone. */
  readonly size: number;
  /** Row by row, 1 is dark. */
  readonly modules: string;
}

/** The page draws it: which dots, not how they look. Least error correction, for the largest dots. */
export function qrMatrix(text: string): QrMatrix {
  const { modules } = QRCode.create(text, { errorCorrectionLevel: 'L' });
  return {
    size: modules.size,
    modules: Array.from(modules.data, (dark) => (dark ? 1 : 0)).join(''),
  };
}
