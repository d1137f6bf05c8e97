# modes: plain
#
# t/run/systemd/hardening.conf: systemd understands all of it, and nginx with the
# module does its work with the files and the capabilities that it leaves. The
# filter of system calls and the namespaces need a running systemd; they are only
# read here.

use lib 't/lib';

use strict;
use warnings;

use Cwd qw(realpath);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use POSIX ();
use Test::More;

use Jamhook ();
use Jamhook::Nginx;
use Jamhook::Target;

my $file = "$Jamhook::Env::TOP/t/run/systemd/hardening.conf";
my $text = Jamhook::Env::slurp($file) . "\n";
my $dir = Jamhook::Env::tmp();


# systemd reads it, as a drop-in of Debian's unit

my $units = "$dir/units";

make_path("$units/nginx.service.d");
system('cp', '/lib/systemd/system/nginx.service', $units) == 0
    or die "no unit of nginx\n";
system('cp', $file, "$units/nginx.service.d/hardening.conf") == 0 or die;

my $said = `systemd-analyze verify --man=no $units/nginx.service 2>&1`;
my @ours = grep { /hardening\.conf|nginx\.service/ } split /\n/, $said;

is_deeply \@ours, [], 'systemd finds nothing wrong in it' or diag $said;

Jamhook::Env::write_file("$units/nginx.service.d/hardening.conf",
                         "$text\nNoSuchSetting=yes\n", 0644);
like `systemd-analyze verify --man=no $units/nginx.service 2>&1`,
    qr/NoSuchSetting/, '... which it would say';

$text =~ s/\\\n//g;
my %is = map { /^(\w+)=(.*)/ ? ($1 => $2) : () } split /\n/, $text;


# An nginx with what is left to it: all is read-only but these paths, and root
# has these capabilities alone.

SKIP: {
    skip 'needs root', 8 if $> != 0;
    skip 'no mount namespaces here', 8
        if system('unshare --mount true 2>/dev/null') != 0;

    # where www-data gets to
    my $top = realpath(tempdir(CLEANUP => 1));
    chmod 0755, $top;

    my %map = ('/var/lib/nginx' => "$top/lib", '/var/log/nginx' => "$top/log",
               '/run' => "$top/run");

    mkdir $_, 0755 for values %map;
    chown scalar(getpwnam 'www-data'), scalar(getgrnam 'adm'), "$top/log";
    Jamhook::Env::write_keys("$top/keys");
    chmod 0700, "$top/keys";

    my $target = Jamhook::Target->new('200');
    my $port = Jamhook::Env::free_port();

    Jamhook::Env::write_file("$top/nginx.conf", <<"END", 0644);
load_module $Jamhook::Env::MODULE;
user www-data;
worker_processes 1;
pid $top/run/nginx.pid;
error_log $top/log/error.log info;
events { }
http {
    access_log $top/log/access.log;
    client_body_temp_path $top/lib/body;
    proxy_temp_path $top/lib/proxy;
    fastcgi_temp_path $top/lib/fastcgi;
    uwsgi_temp_path $top/lib/uwsgi;
    scgi_temp_path $top/lib/scgi;
    jamhook_store sqlite:$top/lib/jamhook;
    server {
        listen 127.0.0.1:$port;
        location = /jam { jamhook_pass a; jamhook_verify $top/keys/P1.key; }
        location = /a {
            jamhook_endpoint a;
            jamhook_sign $top/keys/S1.key;
            proxy_pass http://127.0.0.1:@{[ $target->port ]}/;
        }
    }
}
END

    my @paths = map { $map{$_} || $_ } split ' ', $is{ReadWritePaths};
    my $caps = join ',', '-all', map { '+' . lc s/^CAP_//r }
               split ' ', $is{CapabilityBoundingSet};

    is_deeply [grep { !-d } @paths], [], 'the paths are there';

    # (how it ended, its pid): -t, or in the foreground
    my $run = sub {
        my ($paths, @args) = @_;

        my $mounts = join '', map { "mount --bind $_ $_\n" } @$paths;
        my $pid = fork;

        die "fork: $!" unless defined $pid;

        if ($pid == 0) {
            open STDERR, '>', "$top/said" or POSIX::_exit(9);
            open STDOUT, '>&', \*STDERR;
            no warnings 'exec';
            exec 'unshare', '--mount', '--propagation', 'private', 'sh', '-ec',
                 "${mounts}mount -o remount,bind,ro /\n"
                 . 'exec setpriv --no-new-privs --bounding-set "$@"', 'sh',
                 $caps, $Jamhook::Env::NGINX, '-c', "$top/nginx.conf", '-p',
                 "$top/", '-e', "$top/log/error.log", '-g', 'daemon off;', @args;
            POSIX::_exit(9);
        }

        return $pid;
    };

    # without the store's directory it does not start
    waitpid $run->([grep { $_ ne "$top/lib" } @paths], '-t'), 0;
    isnt $?, 0, 'nginx -t refuses a store where it may not write';

    unlink "$top/log/error.log";

    my $pid = $run->(\@paths);
    my $nginx = bless { port => $port, dir => $top, owner => 0 },
                'Jamhook::Nginx';

    END { kill 'KILL', $pid if $pid }

    ok Jamhook::Env::wait_for(sub { -s "$top/run/nginx.pid" }),
        'with what it leaves nginx starts'
        or diag Jamhook::Env::slurp("$top/said");

    my $answer = $nginx->send(Jamhook::event(uri => '/jam',
        body => '{"id":"evt_1","type":"jam.created",'
                . '"created_at":"2026-01-01T00:00:00Z","data":{}}'));

    like $answer->{body}, qr/"stored"/, '... stores an event';
    is scalar(@{[ $target->wait(1) ]}), 1, '... and delivers it';

    is((stat "$top/lib/jamhook/jamhook.db")[4], scalar(getpwnam 'www-data'),
       '... the store is www-data\'s');

    # the master reaches its workers
    kill 'QUIT', $pid;
    my $ended = Jamhook::Env::wait_for(sub { waitpid($pid, POSIX::WNOHANG()) });
    ok $ended, '... and it ends by QUIT';
    undef $pid if $ended;

    my $log = Jamhook::Env::slurp("$top/log/error.log");
    unlike $log, qr/\[(?:alert|crit|emerg)\]|denied|not permitted/,
        '... with nothing missing in its log';
}

done_testing;
