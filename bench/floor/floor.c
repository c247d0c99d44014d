/* The least a server on epoll can do: one read and one write a request, an answer that was made before. It looks for the empty
 * line and nothing else. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static const char answer[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 13\r\nDate: Sun, 06 Nov 1994 08:49:37 "
    "GMT\r\n\r\nHello, World!";

enum { max_events = 512, buffer_size = 16384, max_pipeline = 64 };

static int serve(int fd, char* buffer, const char* answers) {
  const ssize_t n = read(fd, buffer, buffer_size);
  if (n <= 0) return n < 0 && (errno == EAGAIN || errno == EINTR);
  int requests = 0;
  for (char* p = buffer; (p = memmem(p, (size_t)(buffer + n - p), "\r\n\r\n", 4)) != NULL; p += 4) ++requests;
  if (requests == 0 || requests > max_pipeline) return 0;
  const size_t size = (sizeof answer - 1) * (size_t)requests;
  return write(fd, answers, size) == (ssize_t)size;
}

int main(void) {
  const char* port = getenv("PORT");
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((unsigned short)(port ? atoi(port) : 8000)),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(listener, (struct sockaddr*)&address, sizeof address) != 0 || listen(listener, 1024) != 0) {
    perror("floor");
    return 1;
  }
  const int poll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
  static char buffer[buffer_size];
  static char answers[(sizeof answer) * max_pipeline];
  for (int i = 0; i < max_pipeline; ++i) memcpy(answers + (size_t)i * (sizeof answer - 1), answer, sizeof answer - 1);
  for (;;) {
    struct epoll_event events[max_events];
    const int n = epoll_wait(poll, events, max_events, -1);
    for (int i = 0; i < n; ++i) {
      const int fd = events[i].data.fd;
      if (fd != listener) {
        if (!serve(fd, buffer, answers)) close(fd);
        continue;
      }
      for (int client; (client = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct epoll_event added = {.events = EPOLLIN, .data.fd = client};
        epoll_ctl(poll, EPOLL_CTL_ADD, client, &added);
      }
    }
  }
}
