import { App } from 'spikard';

const app = new App('hello');
app.get('/hello/{name}', ({ path }) => `hello ${path.name}`);
app.run();
