// SPDX-License-Identifier: Apache-2.0
#include "sim/explore/worker_pool.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>

#include "sim/base/interrupt.h"

namespace tilewright::explore {
namespace {

constexpr int kPollMilliseconds = 200;

// False where the other end is gone.
bool send_all(int socket, const void* data, std::size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t sent = ::send(socket, at, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) {
      continue;
    }
    if (sent <= 0) {
      return false;
    }
    at += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return true;
}

bool receive_all(int socket, void* data, std::size_t size) {
  char* at = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t received = ::recv(socket, at, size, 0);
    if (received < 0 && errno == EINTR) {
      continue;
    }
    if (received <= 0) {
      return false;
    }
    at += received;
    size -= static_cast<std::size_t>(received);
  }
  return true;
}

bool send_message(int socket, const std::string& text) {
  const auto size = static_cast<uint64_t>(text.size());
  return send_all(socket, &size, sizeof size) && send_all(socket, text.data(), text.size());
}

std::optional<std::string> receive_message(int socket) {
  uint64_t size = 0;
  if (!receive_all(socket, &size, sizeof size)) {
    return std::nullopt;
  }
  std::string text(size, '\0');
  if (!receive_all(socket, text.data(), size)) {
    return std::nullopt;
  }
  return text;
}

[[noreturn]] void serve(int socket, const WorkerPool::Work& work) {
  Task task;
  while (receive_all(socket, &task, sizeof task)) {
    if (!send_message(socket, encode(work(task)))) {
      break;
    }
  }
  ::_exit(0);  // nothing of the parent's is to be flushed or closed twice
}

}  // namespace

struct WorkerPool::Worker {
  pid_t process = -1;
  int socket = -1;
  bool busy = false;
  Task task;
};

WorkerPool::WorkerPool(unsigned workers, Work work) : work_(std::move(work)), workers_(workers) {}

WorkerPool::~WorkerPool() {
  for (Worker& worker : workers_) {
    stop(worker);
  }
}

void WorkerPool::start(Worker& worker) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    throw UserError(fmt::format("cannot start a worker process: {}", std::strerror(errno)), ExitCode::kRunFailed);
  }
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) {
    const std::string reason = std::strerror(errno);
    ::close(ends[0]);
    ::close(ends[1]);
    throw UserError("cannot start a worker process: " + reason, ExitCode::kRunFailed);
  }
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // also where the parent is killed outright
    if (::getppid() != parent) {
      ::_exit(0);
    }
    std::signal(SIGINT, SIG_IGN);  // the terminal sends it to all; the parent decides
    ::close(ends[0]);
    serve(ends[1], work_);
  }
  ::close(ends[1]);
  worker.process = child;
  worker.socket = ends[0];
}

void WorkerPool::stop(Worker& worker) {
  if (worker.process < 0) {
    return;
  }
  ::close(worker.socket);
  ::kill(worker.process, SIGKILL);
  while (::waitpid(worker.process, nullptr, 0) < 0 && errno == EINTR) {
  }
  worker = {};
}

Outcome WorkerPool::died(Worker& worker) {
  int status = 0;
  while (::waitpid(worker.process, &status, 0) < 0 && errno == EINTR) {
  }
  ::close(worker.socket);
  Outcome outcome;
  outcome.task = worker.task;
  outcome.status = Status::kFailed;
  outcome.reason = WIFSIGNALED(status)
                       ? fmt::format("the worker process was ended by signal {} ({})", WTERMSIG(status),
                                     ::strsignal(WTERMSIG(status)))
                       : fmt::format("the worker process ended with code {}", WEXITSTATUS(status));
  worker = {};
  return outcome;
}

void WorkerPool::run(std::span<const Task> tasks, const std::function<void(Outcome)>& done) {
  std::size_t next = 0, open = tasks.size();
  while (open > 0) {
    std::vector<pollfd> waiting;
    std::vector<Worker*> owners;
    for (Worker& worker : workers_) {
      if (!worker.busy && next < tasks.size()) {
        if (worker.process < 0) {
          start(worker);
        }
        worker.task = tasks[next++];
        worker.busy = true;
        send_all(worker.socket, &worker.task, sizeof worker.task);  // a worker that is gone is found below
      }
      if (worker.busy) {
        waiting.push_back({worker.socket, POLLIN, 0});
        owners.push_back(&worker);
      }
    }
    const int ready = ::poll(waiting.data(), waiting.size(), kPollMilliseconds);
    throw_if_interrupted();
    for (std::size_t i = 0; ready > 0 && i < waiting.size(); ++i) {
      if (waiting[i].revents == 0) {
        continue;
      }
      Worker& worker = *owners[i];
      const std::optional<std::string> message = receive_message(worker.socket);
      worker.busy = false;
      --open;
      done(message ? decode_outcome(*message) : died(worker));
    }
  }
}

}  // namespace tilewright::explore
