// The same module as `require('spikard')`: one state, whichever way it is loaded.
export * from './dist/index.js';
