// Mocha's spec reporter, and the counts in a file.
const { writeFileSync } = require('node:fs');
const { reporters } = require('mocha');

module.exports = class extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const result = { passed: 0, skipped: 0, failed: [] };
    runner.on('pass', () => result.passed++);
    runner.on('pending', () => result.skipped++);
    runner.on('fail', (test) => result.failed.push(test.fullTitle()));
    runner.on('end', () => writeFileSync(options.reporterOptions.file, JSON.stringify(result)));
  }
};
