#include <stdarg.h>
#include <stdio.h>

#include "internal.h"

void text_add_n(text* t, const char* s, size_t n) {
  if (t->failed) return;
  if (t->room - t->len <= n) {
    const size_t room = 2 * t->room + n + 64;
    char* more = realloc(t->ptr, room);
    if (more == NULL) {
      t->failed = 1;
      return;
    }
    t->ptr = more;
    t->room = room;
  }
  if (n > 0) memcpy(t->ptr + t->len, s, n);
  t->len += n;
  t->ptr[t->len] = '\0';
}

void text_add(text* t, const char* s) { text_add_n(t, s, strlen(s)); }

void text_addf(text* t, const char* format, ...) {
  char small[256];
  va_list args;
  va_start(args, format);
  const int n = vsnprintf(small, sizeof small, format, args);
  va_end(args);
  if (n < 0 || (size_t)n >= sizeof small) t->failed = 1;
  else text_add_n(t, small, (size_t)n);
}

void text_json(text* t, const char* s, size_t n) {
  text_add_n(t, "\"", 1);
  for (size_t i = 0; i < n; ++i) {
    const unsigned char c = (unsigned char)s[i];
    if (c == '"' || c == '\\') {
      const char two[2] = {'\\', (char)c};
      text_add_n(t, two, 2);
    } else if (c < 0x20) {
      text_addf(t, "\\u%04x", c);
    } else {
      text_add_n(t, s + i, 1);
    }
  }
  text_add_n(t, "\"", 1);
}

void text_comma(text* t) {
  if (t->len > 0) text_add_n(t, ", ", 2);
}

void text_free(text* t) {
  free(t->ptr);
  memset(t, 0, sizeof *t);
}

char* copy_str(const char* s) {
  const size_t n = strlen(s) + 1;
  char* out = malloc(n);
  if (out != NULL) memcpy(out, s, n);
  return out;
}
