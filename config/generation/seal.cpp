#include "config/generation/seal.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "config/generation/format.h"

namespace sluice::generation {
namespace {

constexpr std::size_t kFieldsAtOnce = 4096;  // octets
constexpr const char* kPullAgain = "use an older generation, or pull the list again";

struct Trailer {
  std::array<char, 8> magic;
  std::uint32_t format;
  std::uint32_t trailer_octets;
  std::uint64_t content_octets;
  Sha256::Digest digest;
  std::uint64_t zero;
};
static_assert(sizeof(Trailer) == kTrailerOctets);

std::string errno_text() { return std::strerror(errno); }

bool write_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t n = write(fd, data, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    data += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

// Reads exactly `octets` into the hash and, where `out` is given, into that descriptor.
Status stream(int fd, std::uint64_t octets, Sha256& hash, int out, const std::string& where) {
  std::vector<char> buffer(1 << 20);
  while (octets > 0) {
    const ssize_t n = read(fd, buffer.data(), std::min<std::uint64_t>(buffer.size(), octets));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail("cannot read: " + errno_text(), where, "check the disk");
    if (n == 0) return fail("the file became shorter while it was read", where, kPullAgain);
    const auto size = static_cast<std::size_t>(n);
    hash.add({buffer.data(), size});
    if (out >= 0 && !write_all(out, buffer.data(), size)) {
      return fail("cannot copy into memory: " + errno_text(), where, "free some memory");
    }
    octets -= size;
  }
  return {};
}

/// A sealed file and what its trailer says, before the content was looked at.
struct Sealed {
  Descriptor fd;
  Trailer trailer{};
};

Result<Sealed> open_sealed(const std::string& where) {
  // Not blocking, for the sake of a pipe by that name.
  Sealed sealed{Descriptor(open(where.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK))};
  struct stat info {};
  if (!sealed.fd.valid() || fstat(sealed.fd.get(), &info) != 0) {
    return fail("cannot open: " + errno_text(), where);
  }
  if (!S_ISREG(info.st_mode)) return fail("is not a regular file", where);
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (size <= kTrailerOctets) {
    return fail("is too short to be a generation (" + std::to_string(size) + " octets)", where,
                kPullAgain);
  }
  Trailer& trailer = sealed.trailer;
  const auto content = size - kTrailerOctets;
  if (pread(sealed.fd.get(), &trailer, sizeof trailer, static_cast<off_t>(content)) !=
      sizeof trailer) {
    return fail("cannot read: " + errno_text(), where, "check the disk");
  }
  if (std::memcmp(trailer.magic.data(), kTrailerMagic.data(), kTrailerMagic.size()) != 0) {
    return fail("does not end in a seal: it is cut short, or no generation", where, kPullAgain);
  }
  const bool known = trailer.format == kFormatVersion || trailer.format == kOverlayFormatVersion;
  if (!known || trailer.trailer_octets != kTrailerOctets) {
    return fail("is of format " + std::to_string(trailer.format) + "; this program reads formats " +
                    std::to_string(kFormatVersion) + " and " +
                    std::to_string(kOverlayFormatVersion),
                where, "compile it with the same version of Sluice");
  }
  if (trailer.content_octets != content) {
    return fail("holds " + std::to_string(content) + " octets where its seal says " +
                    std::to_string(trailer.content_octets),
                where, kPullAgain);
  }
  return sealed;
}

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
}

void Sha256::flush() {
  EVP_DigestUpdate(context_.get(), fields_.data(), fields_.size());
  fields_.clear();
}

void Sha256::add(std::string_view bytes) {
  flush();
  EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
}

void Sha256::add_field(std::string_view bytes) {
  const auto size = static_cast<std::uint32_t>(bytes.size());
  fields_.append(reinterpret_cast<const char*>(&size), sizeof size);
  fields_.append(bytes);
  if (fields_.size() >= kFieldsAtOnce) flush();
}

Sha256::Digest Sha256::finish() {
  flush();
  Digest digest{};
  EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr);
  return digest;
}

std::string hex(const Sha256::Digest& digest) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t octet : digest) {
    out.push_back(kDigits[octet >> 4]);
    out.push_back(kDigits[octet & 15]);
  }
  return out;
}

Descriptor::Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

Status seal(const std::filesystem::path& file, std::uint32_t format) {
  const Descriptor fd(open(file.c_str(), O_RDWR | O_CLOEXEC));
  struct stat info {};
  if (!fd.valid() || fstat(fd.get(), &info) != 0) {
    return fail("cannot open: " + errno_text(), file.string());
  }
  Sha256 hash;
  const auto octets = static_cast<std::uint64_t>(info.st_size);
  if (auto status = stream(fd.get(), octets, hash, -1, file.string()); !status) return status;
  Trailer trailer{{}, format, kTrailerOctets, octets, hash.finish(), 0};
  std::memcpy(trailer.magic.data(), kTrailerMagic.data(), kTrailerMagic.size());
  if (!write_all(fd.get(), reinterpret_cast<const char*>(&trailer), sizeof trailer) ||
      fsync(fd.get()) != 0) {
    return fail("cannot write: " + errno_text(), file.string(), "free some disk space");
  }
  return {};
}

Result<std::uint32_t> sealed_format(const std::filesystem::path& file) {
  auto sealed = open_sealed(file.string());
  if (!sealed) return fail(sealed.error());
  return sealed->trailer.format;
}

Result<Content> open_unverified(const std::filesystem::path& file) {
  auto sealed = open_sealed(file.string());
  if (!sealed) return fail(sealed.error());
  return Content{std::move(sealed->fd), sealed->trailer.content_octets, sealed->trailer.format};
}

Result<Content> load_verified(const std::filesystem::path& file) {
  const std::string where = file.string();
  auto sealed = open_sealed(where);
  if (!sealed) return fail(sealed.error());
  const Trailer& trailer = sealed->trailer;

  Content copy;
  copy.octets = trailer.content_octets;
  copy.format = trailer.format;
  copy.memory = Descriptor(memfd_create("sluice-generation", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!copy.memory.valid()) return fail("cannot make a memory file: " + errno_text(), where);
  Sha256 hash;
  if (auto status = stream(sealed->fd.get(), copy.octets, hash, copy.memory.get(), where);
      !status) {
    return fail(status.error());
  }
  if (hash.finish() != trailer.digest) {
    return fail("the content does not match its seal: it is damaged", where, kPullAgain);
  }
  fcntl(copy.memory.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
  return copy;
}

}  // namespace sluice::generation
