#include "tools/sluice-authority/passphrase.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

namespace sluice::authority {
namespace {

constexpr std::size_t kMaxPassphrase = 512;
constexpr const char* kTerminal = "/dev/tty";

/// A descriptor of our own, closed with its owner.
class Opened {
 public:
  explicit Opened(int fd) : fd_(fd) {}
  ~Opened() {
    if (fd_ >= 0) ::close(fd_);
  }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

/// The first line, octet by octet: what comes behind it belongs to others.
Result<std::string> read_line(int fd, const std::string& where) {
  std::string line;
  for (char c = 0; line.size() <= kMaxPassphrase;) {
    const ssize_t n = ::read(fd, &c, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(std::string("cannot read: ") + std::strerror(errno), where);
    if (n == 0 || c == '\n') {
      if (line.empty()) return fail("the passphrase is empty", where);
      return line;
    }
    line.push_back(c);
  }
  return fail("the passphrase is longer than 512 octets", where);
}

Result<std::string> read_file(const std::filesystem::path& path) {
  const Opened file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (file.get() < 0 || ::fstat(file.get(), &info) != 0) {
    return fail(std::string("cannot open: ") + std::strerror(errno), path.string());
  }
  if (S_ISREG(info.st_mode) && (info.st_mode & 077) != 0) {
    return fail("others can read the passphrase", path.string(), "chmod 600 it");
  }
  return read_line(file.get(), path.string());
}

Result<std::string> ask(const std::string& question) {
  const Opened terminal(::open(kTerminal, O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (terminal.get() < 0) return fail("there is no terminal to ask on", kTerminal);
  termios before{};
  if (::tcgetattr(terminal.get(), &before) != 0) return fail("is no terminal", kTerminal);
  termios silent = before;
  silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  ::tcsetattr(terminal.get(), TCSAFLUSH, &silent);
  const std::string text = question + ": ";
  (void)!::write(terminal.get(), text.data(), text.size());
  auto line = read_line(terminal.get(), kTerminal);
  (void)!::write(terminal.get(), "\n", 1);
  ::tcsetattr(terminal.get(), TCSAFLUSH, &before);
  return line;
}

bool has_terminal() {
  // A program that runs in the background of a terminal would be stopped by asking there.
  const Opened terminal(::open(kTerminal, O_RDWR | O_CLOEXEC | O_NOCTTY));
  return terminal.get() >= 0 && ::isatty(STDIN_FILENO) != 0 &&
         ::tcgetpgrp(terminal.get()) == ::getpgrp();
}

/// Given once, for the whole command.
Result<std::string> given(const PassphraseSource& source) {
  if (!source.file.empty()) return read_file(source.file);
  return read_line(*source.descriptor, "descriptor " + std::to_string(*source.descriptor));
}

bool is_given(const PassphraseSource& source) {
  return !source.file.empty() || source.descriptor.has_value();
}

}  // namespace

tuf::Passphrase passphrase_from(const PassphraseSource& source) {
  if (!is_given(source)) {
    if (!has_terminal()) return {};
    return [](const std::string& what) { return ask("Passphrase of " + what); };
  }
  // A descriptor can be read once only.
  auto known = std::make_shared<std::optional<std::string>>();
  return [source, known](const std::string&) -> Result<std::string> {
    if (!*known) {
      auto text = given(source);
      if (!text) return text;
      *known = std::move(*text);
    }
    return **known;
  };
}

Result<std::optional<std::string>> new_passphrase(const PassphraseSource& source) {
  const bool asks = !is_given(source);
  if (asks && !has_terminal()) return std::nullopt;
  auto text = asks ? ask("New passphrase") : given(source);
  if (!text) return fail(text.error());
  if (text->size() < tuf::kMinPassphrase) {
    return fail("the passphrase is shorter than " + std::to_string(tuf::kMinPassphrase) + " octets",
                source.file.string(), "take some words that have nothing to do with each other");
  }
  if (asks) {
    auto again = ask("Once more");
    if (!again) return fail(again.error());
    if (*again != *text) return fail("the two passphrases differ", kTerminal);
  }
  return std::move(*text);
}

}  // namespace sluice::authority
