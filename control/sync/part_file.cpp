#include "control/sync/part_file.h"

#include <cerrno>
#include <cstring>

#include "config/files/file.h"
#include "control/tuf/digest.h"

namespace sluice::sync {
namespace {

bool holds(const std::filesystem::path& path, std::uint64_t length, std::string_view sha256) {
  std::error_code error;
  if (std::filesystem::file_size(path, error) != length || error) return false;
  auto* const raw = std::fopen(path.c_str(), "rbe");
  if (raw == nullptr) return false;
  tuf::Sha256 hash;
  std::string piece(1 << 16, '\0');
  while (const std::size_t n = std::fread(piece.data(), 1, piece.size(), raw)) {
    hash.add({piece.data(), n});
  }
  std::fclose(raw);
  return hash.finish() == sha256;
}

}  // namespace

tl::unexpected<Error> PartFile::system_fault(const char* what) {
  auto error = fail(std::string(what) + ": " + std::strerror(errno), part_.string(),
                    "free some space, and check owner and mode");
  discard();
  fault_ = true;
  return error;
}

Result<PartFile> PartFile::open(const std::filesystem::path& to, std::uint64_t length,
                                std::string_view sha256) {
  PartFile out;
  out.to_ = to;
  out.part_ = to.parent_path() / ("." + to.filename().string() + std::string(files::kPartSuffix));
  out.length_ = length;
  out.sha256_ = sha256;
  out.done_ = holds(to, length, sha256);
  if (out.done_) return out;
  std::error_code error;
  const auto there = std::filesystem::file_size(out.part_, error);
  // A whole one that is not in its place is wrong, or would be there.
  if (!error && there < length) {
    out.file_.reset(std::fopen(out.part_.c_str(), "abe"));
    if (out.file_) out.size_ = there;
  }
  return out;
}

Status PartFile::restart() {
  file_.reset(std::fopen(part_.c_str(), "wbe"));
  size_ = 0;
  if (!file_) return system_fault("cannot create");
  return {};
}

Status PartFile::add(std::string_view bytes) {
  if (!file_) {
    if (auto status = restart(); !status) return status;
  }
  if (size_ + bytes.size() > length_) {
    return fail("is longer than its signed " + std::to_string(length_) + " octets", to_.string(),
                "nothing of it is used");
  }
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size()) {
    return system_fault("cannot write");
  }
  size_ += bytes.size();
  return {};
}

void PartFile::discard() {
  file_.reset();
  size_ = 0;
  std::error_code ignored;
  std::filesystem::remove(part_, ignored);
}

Status PartFile::finish(const std::string& url) {
  if (!file_) return fail("is empty", url, "nothing of it is used");
  if (std::fflush(file_.get()) != 0) return system_fault("cannot write");
  file_.reset();
  const auto refuse = [&](const std::string& what) {
    discard();
    return fail(what, url, "nothing of it is used");
  };
  if (size_ != length_) {
    return refuse("has " + std::to_string(size_) + " octets where " + std::to_string(length_) +
                  " were signed for");
  }
  if (!holds(part_, length_, sha256_)) return refuse("does not match its signed SHA-256");
  if (auto status = files::sync_file(part_); !status) {
    discard();
    return status;
  }
  return files::rename_synced(part_, to_);
}

}  // namespace sluice::sync
