// What the types say; `npm run types` compiles it and runs nothing.
import { Type } from '@sinclair/typebox';
import * as v from 'valibot';
import { z } from 'zod';
import { App, type Infer, type Message } from 'spikard';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function is<A, B>(_: Equal<A, B>): void {}

const schema = { type: 'object', properties: { id: { type: 'integer' }, tags: { type: 'array', items: { type: 'string' } }, kind: { enum: ['a', 'b'] }, note: { type: ['string', 'null'] } }, required: ['id', 'tags'] } as const;
is<Infer<typeof schema>, { id: number; tags: string[]; kind?: 'a' | 'b'; note?: string | null }>(true);
const zod = z.object({ at: z.string().transform((text) => new Date(text)) });
is<Infer<typeof zod>, { at: Date }>(true);
const valibot = v.object({ n: v.number() });
is<Infer<typeof valibot>, { n: number }>(true);
const typebox = Type.Object({ s: Type.String(), o: Type.Optional(Type.Boolean()) });
is<Infer<typeof typebox>, { s: string; o?: boolean }>(true);

const app = new App('types')
  .value('config', { url: 'x' })
  .dependency('pool', { scope: 'singleton', needs: ['config'] }, ({ config }) => ({ url: config.url, open: 1 }))
  .dependency('session', { needs: ['pool'] }, async function* ({ pool }) {
    yield pool.open > 0;
  });

app.get('/users/{id:int}/{name}/{flag:bool}', (request) => {
  is<typeof request.path, { id: number; name: string; flag: boolean }>(true);
});
app.post('/x/{id}', { query: zod, body: schema, inject: ['session', 'config'] }, ({ path, query, body, deps }) => {
  is<typeof path, { id: string }>(true);
  is<typeof query, { at: Date }>(true);
  is<typeof body.tags, string[]>(true);
  is<typeof deps, { session: boolean; config: { url: string } }>(true);
});
// @ts-expect-error there is no such dependency
app.dependency('y', { needs: ['none'] }, () => 1);
app.consumer('t', { schema: valibot }, (message) => is<typeof message, Message<{ n: number }>>(true));
const task = app.task('t', async (args: { n: number }) => args.n);
void task.enqueue({ n: 1 });
// @ts-expect-error arguments of another type
void task.enqueue({ n: 'x' });
const cache = app.cache();
void cache.get('k').then((value) => is<typeof value, Buffer | null>(true));
void app.db().first<{ id: number }>('SELECT 1').then((row) => is<typeof row, { id: number } | undefined>(true));
