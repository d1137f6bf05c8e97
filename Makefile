# make          builds build/ngx_http_jamhook_module.so for this machine's nginx
# make run      builds, starts nginx and a stand-in for Intercom, sends an event
# make stop     ends them
# make test     runs all tests        make unit, make blocks, make check: parts
# make san      all blocks with address and undefined behaviour sanitizers
# make palloc   all blocks with an nginx built from source for finding overruns
# make hup      all blocks, each by a reload of the nginx of the one before
# make valgrind all blocks under valgrind (slow)
# make bench    measures against a bare proxy_pass
# make static   builds build/static/nginx with the module inside
# make install  puts the module where this machine's nginx looks for it
# make clean    removes build/
#
# Each sets up what it needs first (t/tools/deps.sh). Variables:
#
#   NGINX_SRC=dir     build against this plain nginx source tree
#   NGINX_CONF=...    more options for nginx's configure
#   CC, CFLAGS, LDFLAGS, WERROR=1
#   PORT, STANDIN_PORT      of make run
#   T=t/10-x/001-y.t        of make blocks, hup, san ...: these tests
#   DESTDIR, MODULES_DIR, ETC_DIR  of make install

SHELL = /bin/bash

export NGINX_SRC NGINX_CONF CC CFLAGS LDFLAGS WERROR PORT STANDIN_PORT T
export DESTDIR MODULES_DIR ETC_DIR

TOOLS = t/tools

TESTS = test unit blocks check hup san palloc valgrind

.PHONY: all run stop $(TESTS) bench static install clean

all:
	@$(TOOLS)/deps.sh build
	@$(TOOLS)/build.sh module build

run:
	@$(TOOLS)/deps.sh build run
	@$(TOOLS)/build.sh module build
	@$(TOOLS)/run.sh

stop:
	@$(TOOLS)/stop.sh

$(TESTS):
	@$(TOOLS)/deps.sh build test source $(filter valgrind,$@)
	@$(TOOLS)/test.sh $@

bench:
	@$(TOOLS)/deps.sh build bench
	@$(TOOLS)/build.sh module build
	@t/bench/bench.pl

static:
	@$(TOOLS)/deps.sh build source
	@src=$$($(TOOLS)/source.sh) && \
	    NGINX_SRC=$$src $(TOOLS)/build.sh static build/static

install: all
	@$(TOOLS)/install.sh

clean:
	@$(TOOLS)/stop.sh
	rm -rf build t/servroot*
