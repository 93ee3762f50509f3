#include "control/service/log.h"

#include <string>
#include <unistd.h>

#include "config/base/plain_output.h"

namespace sluice::service {

void log(Level level, std::string_view what, std::string_view detail) {
  std::string line = level == Level::info      ? "info "
                     : level == Level::warning ? "warning "
                                               : "error ";
  line.append(what).append(": ").append(detail);
  line = plain_text(line);
  line.push_back('\n');
  // One write keeps lines of several threads whole; a closed stderr is nobody's fault here.
  if (::write(STDERR_FILENO, line.data(), line.size()) < 0) return;
}

}  // namespace sluice::service
