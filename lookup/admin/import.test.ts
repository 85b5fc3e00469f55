import { describe } from 'vitest';
import { onDoor, onEmbedded, onPostgres } from '../../test/import-world.ts';
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

describe('an import through the door of the process that holds the embedded source', () => {
  describeImport(onDoor);
  describeImportFiles(onDoor);
});
