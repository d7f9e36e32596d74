import { z } from 'zod';
import type { Route } from './route.ts';

/** Gives a curl line that shows how an operation is called. */
export function curlExample(route: Route, publicUrl: string): string {
  const path = route.path.replaceAll(/:(\w+)/g, (_, name: string) => `$${name.toUpperCase()}`);
  const method = route.method.toUpperCase();
  const parts = [
    'curl',
    ...(method === 'GET' ? [] : [`-X ${method}`]),
    ...(route.scope === null ? [] : [`-H "Authorization: Bearer $TOKEN"`]),
    ...headersOf(route),
    ...bodyOf(route),
    `"${publicUrl}${path}"`,
  ];
  return parts.join(' ');
}

const headersOf = ({ headers = [] }: Route): string[] =>
  headers.flatMap(({ name, example }) => (example === undefined ? [] : [`-H "${name}: ${example}"`]));

function bodyOf(route: Route): string[] {
  const form = route.requestBodies?.find((body) => body.contentType === 'multipart/form-data');
  if (form && '_zod' in form.schema) return formFields(form.schema as z.ZodType);
  const octets = route.requestBodies?.find((body) => body.contentType.endsWith('octet-stream'));
  if (octets) return [`-H "Content-Type: ${octets.contentType}"`, '--data-binary @video.mp4'];
  if (!route.body) return [];
  const schema = z.toJSONSchema(route.body, { io: 'input', unrepresentable: 'any' });
  return [`--json '${JSON.stringify(exampleOf(schema))}'`];
}

/** The fields that a form must have, as curl writes them. */
function formFields(form: z.ZodType): string[] {
  const { properties = {}, required = [] } = z.toJSONSchema(form, { io: 'input', unrepresentable: 'any' });
  return required.map((name) => {
    const property = properties[name] as Schema & { example?: unknown };
    const value = property.format === 'binary' ? '@video.mp4' : (property.example ?? exampleOf(property));
    return `-F ${name}=${value}`;
  });
}

type Schema = z.core.JSONSchema.BaseSchema;

/** An example with the fields that must be there, or with one of those that may. */
function exampleOf(schema: Schema): unknown {
  if (schema.examples?.length) return schema.examples[0];
  if (schema.type !== 'object') return exampleOfType(schema);
  const properties = Object.entries(schema.properties ?? {});
  const needed = properties.filter(([name]) => schema.required?.includes(name));
  const shown = needed.length > 0 ? needed : properties.slice(0, 1);
  return Object.fromEntries(
    shown.map(([name, property]) => [name, typeof property === 'object' ? exampleOf(property) : null]),
  );
}

function exampleOfType(schema: Schema): unknown {
  const options = schema.anyOf ?? [];
  if (options.length > 0) return exampleOf(options[0] as Schema);
  if (schema.enum) return schema.enum[0];
  if (schema.type === 'array') return [exampleOf(schema.items as Schema)];
  if (schema.type === 'integer' || schema.type === 'number') return schema.minimum ?? 1;
  if (schema.type === 'boolean') return true;
  return '…';
}
