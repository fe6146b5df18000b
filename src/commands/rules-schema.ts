import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { ruleFileSchema } from '../authoring/json-schema.ts';
import { EXIT, Io } from './io.ts';
import { globals } from './options.ts';

export function registerRulesSchema(rules: Command): void {
  rules
    .command('schema')
    .description('Prints the JSON Schema of rule files, for editors that complete and check YAML by one')
    .option('--out <file>', 'write it there')
    .addHelpText(
      'after',
      `
Examples:
  spoor rules schema --out rule.schema.json
  sed -i '1i # yaml-language-server: $schema=../rule.schema.json' my-rules/*.yaml`,
    )
    .action((_options, command: Command) => {
      const options = command.optsWithGlobals<{ out?: string }>();
      const io = new Io(globals(options));
      const schema = ruleFileSchema();
      const text = JSON.stringify(schema, null, io.json ? 0 : 2);
      if (options.out === undefined) io.out(text);
      else {
        writeFileSync(options.out, `${text}\n`);
        io.note(`written to ${options.out}`);
      }
      process.exitCode = EXIT.done;
    });
}
