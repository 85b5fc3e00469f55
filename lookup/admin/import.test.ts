import { describe } from 'vitest';
import { onEmbedded, onPostgres } from '../../test/import-world.ts';
import { describeImport } from './import.contract.ts';
import { describeImportFiles } from './import-files.contract.ts';

describe('an import into PostgreSQL', () => {
  describeImport(onPostgres);
  describeImportFiles(onPostgres);
});

describe('an import into the embedded source', () => {
  describeImport(onEmbedded);
  describeImportFiles(onEmbedded);
});
