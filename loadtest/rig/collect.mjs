// Loaded into the services of a soak before they begin: told by SIGUSR2, a process collects its garbage, so that what
// it keeps can be told from what it has not thrown away yet.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
process.on('SIGUSR2', () => collect());
