#!/usr/bin/env node
const command = process.argv[2];
if (command === 'demo') {
  const { demo } = await import('./demo-main.ts');
  await demo(process.env, { pagePort: 8088 }, (line) => console.log(line));
} else {
  const { serve } = await import('./main.ts');
  await serve(process.env);
}
