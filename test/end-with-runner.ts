// Loaded before each test file. When the runner dies, its worker processes would go on for as long as their tests hold
// something open; so they end with it, and what they started ends with them.
process.once('disconnect', () => process.exit(1));
