# modes: plain
#
# The store's directory: made, given to the workers, and never what stops nginx.

use lib 't/lib';
use Cwd qw(realpath);
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use Test::More;
use Jamhook::Nginx;

plan skip_all => 'it copies the module, which is inside of this nginx'
    if $Jamhook::Env::MODULE eq '';

# where an ordinary user gets to
my $top = realpath(tempdir(CLEANUP => 1));
my $module = "$top/ngx_http_jamhook_module.so";
my $root = $> == 0;
my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
my $serial = 0;

chmod 0755, $top;
copy($Jamhook::Env::MODULE, $module) or die "$module: $!";
chmod 0644, $module;

# who runs nginx -t: the user of the tests, and an ordinary one
my @me = (uid => $>, gid => $) + 0);
my @nobody = $root ? (uid => $uid, gid => $gid) : @me;


# A directory of one test's own, that the user may write to.
sub place {
    my (%as) = @_;

    my $dir = "$top/" . ++$serial;

    mkdir $dir, 0755 or die "$dir: $!";
    mkdir "$dir/temp", 0755;
    mkdir "$dir/temp/$_", 0700 for qw(body proxy fastcgi uwsgi scgi);

    chown $as{uid}, $as{gid}, $dir, "$dir/temp", glob "$dir/temp/*" if $root;

    return $dir;
}


# nginx -t: (whether it is content, its warnings and errors). user: text of the
# directive, before and after http; with: a command before nginx's.
sub nginx_t {
    my ($dir, $store, %as) = @_;

    my $user = defined $as{user} ? "user $as{user};" : '';
    my ($before, $after) = $as{after} ? ('', $user) : ($user, '');

    Jamhook::Env::write_file("$dir/nginx.conf", qq{
        $before
        load_module $module;
        pid $dir/nginx.pid;
        error_log $dir/error.log;
        events { }
        http {
            access_log off;
            client_body_temp_path $dir/temp/body;
            proxy_temp_path $dir/temp/proxy;
            fastcgi_temp_path $dir/temp/fastcgi;
            uwsgi_temp_path $dir/temp/uwsgi;
            scgi_temp_path $dir/temp/scgi;
            jamhook_store sqlite:$store;
        }
        $after
    }, 0644);

    my $pid = open my $out, '-|';
    die "fork: $!" unless defined $pid;

    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT;

        if ($as{uid} != $>) {
            $) = "$as{gid} $as{gid}";
            $( = $as{gid};
            $< = $> = $as{uid};
        }

        exec @{ $as{with} || [] }, $Jamhook::Env::NGINX, '-t', '-e', 'stderr',
             '-p', "$dir/", '-c', "$dir/nginx.conf";
        die "exec: $!";
    }

    my @said = grep { /\[(?!notice)\w+\]/ } <$out>;
    close $out;

    my $content = ($? == 0);
    unlink "$dir/error.log", "$dir/nginx.pid";

    return ($content, join '', @said);
}


sub is_good {
    my ($name, @args) = @_;

    my ($content, $said) = nginx_t(@args);

    ok $content && $said eq '', $name or diag $said;
}


# a warning with this, the directive's line, and no more
sub is_warned {
    my ($name, $what, $dir, $store, @as) = @_;

    my ($content, $said) = nginx_t($dir, $store, @as);

    my @lines = split /\n/, Jamhook::Env::slurp("$dir/nginx.conf");
    my ($line) = grep { $lines[$_ - 1] =~ /jamhook_store/ } 1 .. @lines;

    ok $content, "$name: nginx -t is content" or diag $said;
    like $said, qr/^.*\[warn\].*\Qthe directory "$store" in \E
                   \Q"jamhook_store" cannot be used, $what\E.*
                   \Q: jamhook's locations will answer 503 until that is \E
                   \Qmended, in $dir\/nginx.conf:$line\E\n\z/x,
        '... and warns';
}


sub mode { sprintf '%04o', (stat $_[0])[2] & 07777 }


for my $who (['the user who runs the tests', @me],
             $root ? ['an ordinary user', @nobody] : ())
{
    my ($name, @as) = @$who;
    my $dir = place(@as);

    is_good("$name: a directory that is not there", $dir, "$dir/store", @as);
    is_good("$name: again", $dir, "$dir/store", @as);
    ok -d "$dir/store" && mode("$dir/store") eq '0700',
       '... is made, for the workers alone';
    ok !glob("$dir/store/*"), '... and left empty by nginx -t';

    is_warned("$name: a parent that is not there",
              'mkdir() failed (2: No such file or directory)',
              $dir, "$dir/none/store", @as);

    Jamhook::Env::write_file("$dir/file", '', 0644);
    is_warned("$name: a file",
              'opening it failed (20: Not a directory)',
              $dir, "$dir/file", @as);
    is_warned("$name: below a file",
              'mkdir() failed (20: Not a directory)',
              $dir, "$dir/file/store", @as);

    symlink "$dir/nowhere", "$dir/link";
    is_warned("$name: a link to nowhere",
              'stat() failed (2: No such file or directory)',
              $dir, "$dir/link", @as);

    symlink "$dir/store", "$dir/good";
    is_good("$name: a link to a directory", $dir, "$dir/good", @as);

    next if $as[1] == 0;        # who may do everything

    my $closed = "$dir/closed";

    mkdir $closed, 0755;
    mkdir "$closed/store", 0555;
    chmod 0555, $closed;

    is_warned("$name: a parent that cannot be written to",
              'mkdir() failed (13: Permission denied)',
              $dir, "$closed/new", @as);
    is_warned("$name: a directory that cannot be written to",
              'access() failed (13: Permission denied)',
              $dir, "$closed/store", @as);

    chmod 0755, $closed;
}


SKIP: {
    skip 'not root', 1 unless $root;

    my @as = (@me, user => 'nobody ' . getgrgid $gid);
    my $dir = place(@as);

    is_good('"user": a directory that is not there', $dir, "$dir/a", @as);
    is +(stat "$dir/a")[4], $uid, '... belongs to the user of the workers';
    is mode("$dir/a"), '0700', '... alone';

    is_good('"user" after "http"', $dir, "$dir/b", @as, after => 1);
    is +(stat "$dir/b")[4], $uid, '... is found, too';

    mkdir "$dir/c", 0755;
    chmod 0550, "$dir/c";
    is_good('a directory of root\'s that is there', $dir, "$dir/c", @as);
    is +(stat "$dir/c")[4], $uid, '... is given to the user of the workers';
    is mode("$dir/c"), '0750', '... who may do all with it';

    # as in a container, or on a file system that knows no owners

    skip 'no setpriv', 1
        if system('setpriv --bounding-set -chown --inh-caps -chown true '
                  . '2> /dev/null');

    my @less = (@as, with => [qw(setpriv --bounding-set -chown
                                 --inh-caps -chown)]);

    chown $uid, $gid, glob "$dir/temp/*";

    mkdir "$dir/d", 0700;
    is_warned('a directory that cannot be given away',
              'chown() failed (1: Operation not permitted)',
              $dir, "$dir/d", @less);

    mkdir "$dir/e";
    chmod 0777, "$dir/e";
    is_good('one that all may write to', $dir, "$dir/e", @less);

    mkdir "$dir/f";
    chown 0, $gid, "$dir/f";
    chmod 0770, "$dir/f";
    is_good('or the group of the workers', $dir, "$dir/f", @less);

    mkdir "$dir/g";
    chown 0, $gid, "$dir/g";
    chmod 0707, "$dir/g";
    is_warned('or all but that one', 'chown() failed',
              $dir, "$dir/g", @less);
}


# nginx starts, reloads and serves with it

my $nginx = Jamhook::Nginx->new(store_at => '%{dir}/none/store',
                                http => 'jamhook_store sqlite:%{dir}/none/x;',
                                server => 'location = /up { return 200 up; }');

is $nginx->get('/up')->{body}, 'up', 'nginx starts without the directory';
ok $nginx->logged('~ \[warn\].*mkdir\(\) failed'), '... with a warning';

ok $nginx->reload(server => 'location = /up { return 200 again; }'),
   'and reloads';
is $nginx->get('/up')->{body}, 'again', '... to what is new';

mkdir $nginx->dir . '/none';
ok $nginx->reload, 'a reload when the parent is there';
ok -d $nginx->dir . '/none/x', '... makes the directory';

$nginx->ends_well(expected => ['[crit]']);

done_testing;
