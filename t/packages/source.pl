#!/usr/bin/perl
#
# source.pl: what README.md says under Installation about building in nginx's
# own tree, done: each of its indented texts with "./configure" is run in a copy
# of nginx's source (t/tools/source.sh), with this directory in place of the
# path, and nginx takes a configuration with what came of it. Speaks TAP.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Path qw(make_path remove_tree);
use Jamhook::Env;
use Test::More;

my $top = $Jamhook::Env::TOP;
my $dir = "$top/build/source-test";

delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL CC CFLAGS LDFLAGS NGINX_CONF)};

chomp(my $source = `$top/t/tools/source.sh`);
die "no source of nginx\n" if $? || !-e "$source/src/core/nginx.c";

my ($text) = Jamhook::Env::slurp("$top/README.md")
             =~ /^# Installation\n(.*?)^# /ms;
my @builds = grep { m{^\./configure\b}m }
             map { s/^    //gmr } $text =~ /((?:^    .*\n)+)/mg;

is scalar @builds, 2, 'two ways to build';

# a whole configuration, of events that are passed through and of a store
sub takes {
    my ($n, $nginx, $load) = @_;
    my $prefix = "$dir/$n-prefix";

    make_path("$prefix/logs");
    Jamhook::Env::write_keys("$prefix/keys");
    Jamhook::Env::write_file("$prefix/nginx.conf", <<"END");
$load
pid nginx.pid;
error_log stderr;
events { }
http {
    access_log off;
    @{[map { "${_}_temp_path temp-$_;" } qw(client_body proxy fastcgi uwsgi
                                              scgi)]}
    jamhook_store sqlite:store;

    server {
        listen 127.0.0.1:@{[Jamhook::Env::free_port()]};
        location = /jam { jamhook_pass e; jamhook_verify keys/P1.key; }
        location = /e {
            jamhook_endpoint e;
            jamhook_sign off;
            proxy_pass http://127.0.0.1:9;
        }
    }
}
END

    my $said = `$nginx -t -e stderr -p $prefix/ -c nginx.conf 2>&1`;
    is $?, 0, '... and nginx takes it' or diag $said;
}

remove_tree($dir);

for my $n (1 .. @builds) {
    my $tree = "$dir/$n";
    my $commands = $builds[$n - 1] =~ s{/path/to/jamhook\b}{$top}gr;

    make_path($tree);
    system('cp', '-R', "$source/.", $tree) == 0 or die "cp";

    # Debian's source has it in auto/
    symlink 'auto/configure', "$tree/configure" unless -e "$tree/configure";

    isnt $commands, $builds[$n - 1], "the path stands in way $n";

    my $said = `cd $tree && bash -ec '$commands' 2>&1`;
    is $?, 0, "way $n: " . $commands =~ s/\s+/ /gr or diag substr $said, -2000;

    my ($module) = glob "$tree/objs/*jamhook*.so";

    if ($commands =~ /--add-dynamic-module/) {
        ok $module, '... there is a module' or next;
        takes($n, $Jamhook::Env::REAL_NGINX, "load_module $module;");

    } else {
        ok -x "$tree/objs/nginx", '... there is an nginx' or next;
        takes($n, "$tree/objs/nginx", '');
    }
}

# and the target of its own

my $said = `make -C $top static 2>&1`;
is $?, 0, 'make static' or diag $said;
takes('static', "$top/build/static/nginx", '');

done_testing;
