# What events and targets say reaches no terminal as it is; what is no store is
# refused; files stay nginx's.

# modes: plain san palloc

use lib 't/lib', 't/57-endure', 't/69-tool';
use Test::More;
use Jamhook::Nginx;
use Endure;
use File::Temp;
use Tool;

# DEL, a C1 control (CSI), text turned round, no width, a tag; of a target also
# bytes that are no UTF-8

my $evil = "\xc2\x9b31m \xe2\x80\xae \xe2\x80\x8b \xf3\xa0\x81\x81"
           . " d\xc3\xa9j\xc3\xa0";
my $target = Jamhook::Target->new(
    qq{200 "X-Evil: \e[2J\e]0;title\a" "body=\e[31m \xff \xc2\x9b}
    . qq{\xed\xa0\x80"});
my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
    server => ingest('a') . endpoint('a'));
my $store = $nginx->store;
my @dir = ('-s', $store->dir);

$nginx->send(Jamhook::event(id => 'm1', headers => [['X-Evil', $evil]],
    body => qq({"type":"x.y","id":"$evil","created_at":"$evil",)
            . qq("data":{"jamId":"$evil","recording_url":)
            . qq("https://jam.dev/$evil","x":"\x7f"}})));
ok $store->wait_until(succeeded => 1), 'a hostile event is delivered';

my $harm = qr/[\x00-\x09\x0b-\x1f\x7f] | \xc2[\x80-\x9f]
              | \xe2\x80[\x8b-\x8f\xa8-\xae] | \xf3\xa0 | \xff | \xed\xa0/x;

for (qw(show), 'show --body', '--json show') {
    my ($status, $out) = jamhook([@dir, split(/ /), 'm1']);
    is $status, 0, $_;
    unlike $out, $harm, '... is harmless';
    like $out, qr/d\xc3\xa9j\xc3\xa0/, '... and legible';
}

my ($status, $out, $err) = jamhook([@dir, qw(show --body m1)]);
like $out, qr/^event_id +\\u009b31m \\u202e \\u200b \\U000e0041 d/m,
     'characters are named';
like $out, qr/"x":"\\x7f"/, '... each of them';
like $out, qr/\\x1b\[31m \\xff \\u009b\\xed\\xa0\\x80$/m, '... and bytes';
my ($code, $said) = decoded([@dir, qw(--json show m1)]);
utf8::encode(my $id = $said->{event_id});
is $id, $evil, '... and mean in JSON what they meant';

($status, $out, $err) = jamhook([@dir, 'show', "\e[31m\xff"]);
is $status, 1, 'what is asked for';
like $err, qr/"\\x1b\[31m\\xff"/, '... is no less harmless';

jamhook([@dir, qw(show --raw m1)]);
is +(jamhook([@dir, qw(show --raw m1)]))[1],
   $store->value("select hex(body) from events") =~ s/(..)/chr hex $1/ger,
   '--raw is the body, where no terminal is';

SKIP: {
    skip 'no script(1)', 2 if !-x '/usr/bin/script';
    my $command = "$Tool::JAMHOOK @dir show --raw m1";
    $out = `script -qec '$command' /dev/null < /dev/null`;
    is $? >> 8, 2, '... and refused at one';
    unlike $out =~ s/\r//gr, $harm, '... with no byte of it';
}

$nginx->ends_well;

# no store

my $tmp = File::Temp->newdir(DIR => $Jamhook::Env::TMP);

sub refused {
    my ($name, $dir, $pattern) = @_;

    my @before = sort glob "$dir/*";

    for (['status'], ['replay', 'm1'], ['forget', '-y', 'm1'],
         ['log', '-f'])
    {
        my ($status, $out, $err) = jamhook(['-s', $dir, @$_]);
        is "$status$out", '3', "$name: $_->[0]";
        like $err, $pattern, '... says why';
    }

    is_deeply [sort glob "$dir/*"], \@before, '... makes nothing';
}

refused('nothing there', "$tmp/none", qr/no store in ".*none"/);
ok !-e "$tmp/none", '... not even the directory';

mkdir "$tmp/empty";
refused('an empty directory', "$tmp/empty", qr/no such file.*-s/);

mkdir "$tmp/text";
Jamhook::Env::write_file("$tmp/text/jamhook.db", "no database\n" x 1000);
refused('another file', "$tmp/text", qr/not a database/);

mkdir "$tmp/zero";
Jamhook::Env::write_file("$tmp/zero/jamhook.db", '');
refused('an empty file', "$tmp/zero", qr/holds no store/);
is -s "$tmp/zero/jamhook.db", 0, '... which stays empty';

sub copy {
    my ($name, $sql) = @_;

    mkdir "$tmp/$name";
    system('cp', $store->file, "$tmp/$name/");
    system('sqlite3', "$tmp/$name/jamhook.db", $sql);
}

copy('other', 'pragma application_id = 7');
refused("another's database", "$tmp/other", qr/not a jamhook store/);

copy('newer', 'pragma user_version = 99');
refused('a newer store', "$tmp/newer", qr/later version.*of that version/);

SKIP: {
    my $version = $store->value('pragma user_version');
    skip 'there is no older version', 10 if $version == 1;
    copy('older', 'pragma user_version = ' . ($version - 1));
    refused('an older store', "$tmp/older",
            qr/earlier version.*when it starts/);
    my $older = Jamhook::Store->new("$tmp/older");
    is $older->value('pragma user_version'), $version - 1,
       '... which stays as old';
}

mkdir "$tmp/link";
symlink $store->file, "$tmp/link/jamhook.db";
refused('a link', "$tmp/link", qr/not a regular file/);

# "sqlite:", the environment

is +(jamhook(['-s', 'sqlite:' . $store->dir, 'status']))[0], 0,
   'sqlite: before the directory';
{
    local $ENV{JAMHOOK_STORE} = 'sqlite:' . $store->dir . '/';
    is +(jamhook(['status']))[0], 0, '... or in the environment';
    is +(jamhook(['-s', "$tmp/none", 'status']))[0], 3, '... which -s is above';
}

# root beside nginx's own user

SKIP: {
    my ($uid, $gid) = (getpwnam 'www-data')[2, 3];
    skip 'not root, or no www-data', 7 if $> || !defined $uid;

    # where www-data comes to
    my $open = File::Temp->newdir(TMPDIR => 1);
    chmod 0755, $open;
    system('cp', '-r', $store->dir, "$open/store");
    chown $uid, $gid, glob("$open/store/*"), "$open/store";
    unlink glob "$open/store/turn.*";

    my $owners = sub {
        join ' ', map { (stat)[4] } "$open/store", glob "$open/store/*";
    };

    my $follow = Tool->start('-s', "$open/store", qw(log -f));
    ok $follow->wait(qr/ m1\n/), 'root at a store of www-data';
    ok -e "$open/store/jamhook.db-shm", '... makes files';
    like $owners->(), qr/^$uid( $uid)+$/, "... which are www-data's";
    is +(split ' ', (grep { /^Uid:/ } split /\n/,
        Jamhook::Env::slurp("/proc/" . $follow->pid . "/status"))[0])[2],
       $uid, '... for it has no other rights';
    is +(jamhook(['-s', "$open/store", qw(replay m1)]))[0], 0,
       '... replays';
    like $owners->(), qr/^$uid( $uid)+$/, '... as www-data';
    ok -e "$open/store/turn.now", '... with a turn';
    $follow->stop;

    chown 0, 0, "$open/store/jamhook.db";
    chmod 0600, "$open/store/jamhook.db";
    is +(jamhook(['-s', "$open/store", 'status']))[0], 3,
       "a file of root's in www-data's directory is not opened";
}

done_testing;
