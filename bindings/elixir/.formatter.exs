macros = [get: 2, get: 3, post: 2, post: 3, put: 2, put: 3, patch: 2, patch: 3, delete: 2, delete: 3, field: 2, field: 3, embeds_one: 2, embeds_many: 2]

[inputs: ["{mix,.formatter}.exs", "{lib,test}/**/*.{ex,exs}"], line_length: 150, locals_without_parens: macros, export: [locals_without_parens: macros]]
